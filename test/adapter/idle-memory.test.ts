import { expect, test } from "bun:test";
import { plant } from "../plants/index.ts";
import type { Alteration } from "../support/alter-source.ts";
import { holdingsOf, startAltered } from "../support/alteration.ts";
import { LeanSocket } from "../support/lean-socket.ts";

/** The heap of the server that an idle connection may take, in bytes: it took 9,000 when each had functions of its own. */
const bytesMax = 2_500;
/** The first connections pay for compiled code. */
const warmUp = 500;
const connections = 1_500;
const atOnce = 100;

/** Opens a connection for each user; resolves once all of them have everything. */
async function openIdle(port: number, users: readonly string[]): Promise<void> {
  for (let i = 0; i < users.length; i += atOnce)
    await Promise.all(
      users.slice(i, i + atOnce).map(
        (user) =>
          new Promise<void>((resolve, reject) => {
            new LeanSocket({
              ...{ port, path: `/ws?user=${user}&device=phone` },
              onText: (text) => void (text.includes('"more":false') && resolve()),
              onClose: (code) => reject(new Error(`closed with ${code}`)),
            });
          }),
      ),
    );
}

/** The bytes of heap that an idle connection takes. */
async function heapBytesEach(alterations: readonly Alteration[]): Promise<number> {
  const server = await startAltered({ alterations, isInspected: true });
  const heapBytes = async (): Promise<number> => (await holdingsOf(server)).heapSize;
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  try {
    await openIdle(server.port, names("early", warmUp));
    const before = await heapBytes();
    await openIdle(server.port, names("idle", connections));
    return ((await heapBytes()) - before) / connections;
  } finally {
    await server.dispose();
  }
}

test("R45 an idle connection takes little of the heap", async () => {
  expect(await heapBytesEach([])).toBeLessThan(bytesMax);
});

test("control: R45 thirty functions of each connection are noticed", async () => {
  const alterations = plant("each connection has thirty functions of its own");
  expect(await heapBytesEach(alterations)).toBeGreaterThan(bytesMax);
});
