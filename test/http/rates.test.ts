import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { costs } from "../../src/protocol/costs.ts";
import { plant } from "../plants/index.ts";
import { startAltered } from "../support/alteration.ts";
import type { RunningServer } from "../support/server.ts";
import { newId } from "../support/store.ts";

/** A server behind one trusted proxy, which the test plays. */
const behindProxy = {
  TRUST_PROXY: "127.0.0.1",
  RATE_SENDS_USER: "3,0.01",
  RATE_WORK_USER: `${4 * costs.connect},6`,
  RATE_WORK_ADDRESS: `${6 * costs.connect},9`,
};
/** The rate of an address before authentication, and of a user that asks for pages. */
const requestsOfAddress = (6 * costs.connect) / costs.request;
const listsOfUser = Math.floor((4 * costs.connect) / (costs.request + costs.conversations));
let server: RunningServer;
beforeAll(async () => {
  server = await startAltered({ env: behindProxy, limits: { connectionsPerAddressMax: 2 } });
});
afterAll(() => server.dispose());

let people = 0;
const someone = (): string => `r${people++}`;
let addresses = 1;
/** An address that no other test has. */
const somewhere = (): string => `198.51.100.${addresses++}`;

const ask = async (user: string, address: string, path = "/conversations", body?: object) => {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}?user=${user}`, {
    ...(body && init),
    headers: { "x-forwarded-for": address, "content-type": "application/json" },
  });
  const { code = "none" } = (await response.json()) as { code?: string };
  return { status: response.status, code, retryAfter: Number(response.headers.get("retry-after")) };
};
const open: WebSocket[] = [];
afterAll(() => open.forEach((socket) => socket.close()));
/** The status of an upgrade that comes to nothing: it has no key. */
const upgrade = async (user: string, address: string): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${server.port}/ws?user=${user}`, {
    headers: { upgrade: "websocket", connection: "Upgrade", "x-forwarded-for": address },
  });
  return response.status;
};
/** Whether a socket opened, which then stays. */
const connect = (user: string, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { headers: { "x-forwarded-for": address } } as unknown as string[];
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?user=${user}`, options);
    open.push(socket);
    socket.onmessage = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
const times = async <Answer>(count: number, act: (i: number) => Promise<Answer>): Promise<Answer[]> => {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await act(i));
  return answers;
};

describe("rates over HTTP, behind a proxy", () => {
  test("A30 a user's requests are bounded wherever they come from, and others' are not touched", async () => {
    const alice = someone();
    const answers = await times(listsOfUser + 2, () => ask(alice, somewhere()));
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array.from({ length: listsOfUser }, () => 200),
      ...[429, 429],
    ]);
    expect(answers.at(-1)?.code).toBe("rate_limited");
    expect(answers.at(-1)?.retryAfter).toBeWithin(5, 500);
    expect((await ask(someone(), somewhere())).status).toBe(200);
  });

  test("A30 A32 an address's are too, for all its users, and whatever else the header says", async () => {
    const address = somewhere();
    const answers = await times(requestsOfAddress + 2, (i) =>
      ask(someone(), `10.0.0.${i}, ${i % 2 ? "nonsense" : "1.2.3.4"}, ${address}`),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array.from({ length: requestsOfAddress }, () => 200),
      ...[429, 429],
    ]);
  });

  test("A30 a message counts for its address before the host is asked for the sender", async () => {
    const address = somewhere();
    const answers = await times(requestsOfAddress + 2, () => ask("", address, "/messages", {}));
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array.from({ length: requestsOfAddress }, () => 401),
      ...[429, 429],
    ]);
  });

  test("A30 messages are counted by themselves; a retry of an accepted one gets its first answer", async () => {
    const [alice, id] = [someone(), newId()];
    const send = (messageId = newId()) =>
      ask(alice, somewhere(), "/messages", { id: messageId, to: "bob", text: "hi" });
    const answers = [await send(id), await send(), await send(), await send()];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429]);
    expect((await send(id)).status).toBe(200);
    expect((await ask(alice, somewhere())).status).toBe(200);
  });

  test("A30 upgrades are bounded by user and by address", async () => {
    const [alice, address] = [someone(), somewhere()];
    const isRefused = (status: number): boolean => status === 429;
    expect((await times(6, () => upgrade(alice, somewhere()))).map(isRefused)).toEqual([
      ...Array.from({ length: 4 }, () => false),
      ...Array.from({ length: 2 }, () => true),
    ]);
    expect((await times(8, () => upgrade(someone(), address))).map(isRefused)).toEqual([
      ...Array.from({ length: 6 }, () => false),
      ...Array.from({ length: 2 }, () => true),
    ]);
  });

  test("A33 open connections of one address are bounded, of this machine's they are not", async () => {
    const address = somewhere();
    expect(await times(3, () => connect(someone(), address))).toEqual([true, true, false]);
    expect(await connect(someone(), somewhere())).toBe(true);
    expect(await times(3, () => connect(someone(), "127.0.0.1"))).toEqual([true, true, true]);
    await Promise.all(
      open.splice(0).map(async (socket) => {
        const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
        if (socket.readyState === WebSocket.CLOSED) return;
        socket.close();
        await closed;
      }),
    );
    expect(await connect(someone(), address)).toBe(true);
  });
});

describe("control", () => {
  test("control: A32 a server that reads the header from the left lets a client choose its address", async () => {
    const wrong = await startAltered({
      env: { TRUST_PROXY: "127.0.0.1", RATE_WORK_ADDRESS: `${2 * costs.request},0.75` },
      alterations: plant("the header of proxies is read from the left"),
    });
    try {
      const answers = await times(5, async (i) => {
        const response = await fetch(`http://127.0.0.1:${wrong.port}/conversations?user=eve`, {
          headers: { "x-forwarded-for": `10.0.0.${i}, 198.51.100.250` },
        });
        return response.status;
      });
      expect(answers).toEqual([200, 200, 200, 200, 200]);
    } finally {
      await wrong.dispose();
    }
  });
});
