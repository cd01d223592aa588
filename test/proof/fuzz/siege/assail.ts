import { connect } from "node:net";
import fc from "fast-check";
import { type Attack, attack } from "./attack.ts";

/** Connections at a time: the input of one turn of the server's loop stays far below its budget. */
const parallel = 16;
/** How long a server may take over an attack that needs no answer. */
const patienceMs = 25;
/** A connection without a `welcome` by then never gets one. */
const welcomeCharsMax = 2_000;
/** The longest time of an attack. */
const answerMsMax = 1_500;

export type Assault = {
  readonly port: number;
  readonly seed: number;
  readonly attacks: number;
  /** Whether to stop. */
  readonly isOver: () => boolean;
};

/** Runs seeded attacks against a port, several at a time; returns the number of tries by kind. */
export async function assail({ port, seed, attacks, isOver }: Assault): Promise<Readonly<Record<string, number>>> {
  const drawn = fc.sample(attack, { seed, numRuns: attacks });
  const cases: Record<string, number> = {};
  let next = 0;
  async function work(): Promise<void> {
    for (let one = drawn[next++]; one !== undefined && !isOver(); one = drawn[next++]) {
      const made = await carryOut(port, one);
      cases[one.kind] = (cases[one.kind] ?? 0) + made;
    }
  }
  await Promise.all(Array.from({ length: parallel }, work));
  return cases;
}

/** One attack from its connection to its end, always within a bounded time; returns its number of inputs. */
async function carryOut(port: number, { chunks, gapMs, end, ...attack }: Attack): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const gone = new Promise<void>((resolve) => void socket.on("close", () => resolve()));
  const welcomed = new Promise<void>((resolve) => {
    let head = "";
    socket.on("data", (bytes) => {
      if (head.length < welcomeCharsMax) head += bytes.toString("latin1");
      if (head.includes('"welcome"') || head.length >= welcomeCharsMax) resolve();
    });
  });
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  const dropAfter = (ms: number) => setTimeout(() => socket.destroy(), ms);
  const deadline = dropAfter(answerMsMax);
  let patience: ReturnType<typeof setTimeout> | undefined;

  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => void socket.write(bytes, () => resolve()));
  if (attack.opening !== undefined) {
    await write(attack.opening);
    await Promise.race([welcomed, gone]);
  }
  const isOpen = !socket.destroyed;
  for (const chunk of chunks) {
    if (socket.destroyed) break;
    await write(chunk);
    if (gapMs > 0) await Bun.sleep(gapMs);
  }
  if (end === "half") socket.end();
  if (end === "reset") socket.resetAndDestroy();
  if (attack.isAnswered !== true) patience = dropAfter(patienceMs);
  await gone;
  clearTimeout(deadline);
  clearTimeout(patience);
  return isOpen ? attack.cases : 1;
}
