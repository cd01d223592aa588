import { afterEach, describe, expect, test } from "bun:test";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { type HubOverrides, startHub, type TestHub } from "../support/hub.ts";
import { accepted, newId, person } from "../support/store.ts";

const hubs: TestHub[] = [];
async function start(overrides: HubOverrides = {}): Promise<TestHub> {
  const hub = await startHub(overrides);
  hubs.push(hub);
  return hub;
}
afterEach(async () => {
  for (const hub of hubs.splice(0)) await hub.stop();
});

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
const revoke = (hub: TestHub, user: string, options: { device?: string; reason?: string; tenant?: string } = {}) => {
  const { reason = "signed out", tenant = "default", device } = options;
  return hub.store.revoke(person(user, tenant), { device, reason, time: Date.now() });
};

describe("a revocation", () => {
  test("T5 closes every socket of the user with 4401 and its reason, and nothing more of them is handled", async () => {
    const chat = await start();
    const [phone, laptop, bob] = [
      chat.connect("alice", { device: "phone" }),
      chat.connect("alice", { device: "laptop" }),
      chat.connect("bob"),
    ];
    await until(() => [phone, laptop, bob].every(isLive));
    await revoke(chat, "alice");
    await until(() => phone.state.closed !== null && laptop.state.closed !== null);
    for (const socket of [phone, laptop]) expect(socket.state.closed).toEqual({ code: 4401, reason: "signed out" });
    const frames = phone.frames.length;
    phone.say({ type: "send", id: newId(), to: "bob", text: "from beyond" });
    await accepted(chat.store, { from: "bob", to: "alice" });
    await Bun.sleep(50);
    expect(phone.frames.length).toBe(frames);
    expect(bob.changes().filter(({ kind }) => kind === "message").length).toBe(1);
    expect(bob.state.closed).toBe(null);
    expect(JSON.stringify(bob.frames)).not.toContain("revocation");
  });

  test("T5 of one device closes that one; of another tenant's user of that name none", async () => {
    const chat = await start();
    const [phone, laptop] = [chat.connect("alice", { device: "phone" }), chat.connect("alice", { device: "laptop" })];
    await until(() => [phone, laptop].every(isLive));
    await revoke(chat, "alice", { tenant: "rival" });
    await revoke(chat, "alice", { device: "phone" });
    await until(() => phone.state.closed !== null);
    await Bun.sleep(50);
    expect(laptop.state.closed).toBe(null);
    // It is for the nodes: what stays open is not told.
    await accepted(chat.store, { from: "bob", to: "alice" });
    await until(() => laptop.changes().some(({ kind }) => kind === "message"));
    expect(JSON.stringify(laptop.frames)).not.toContain("revocation");
  });

  test("T5 that another node made is found in the log, also while nobody announces anything; who comes after it stays", async () => {
    const chat = await start({ wrapStore: (store) => ({ ...store, onCommit: () => {} }) });
    const phone = chat.connect("alice");
    await until(() => isLive(phone));
    await revoke(chat, "alice");
    await until(() => phone.state.closed !== null);
    const again = chat.connect("alice");
    await until(() => isLive(again));
    await Bun.sleep(200);
    expect(again.state.closed).toBe(null);
    expect(again.changes()).toEqual([]);
  });

  test("T5 H3 one among commits loses and reorders nothing for anybody", async () => {
    const chat = await start();
    const bob = chat.connect("bob");
    await until(() => isLive(bob));
    const sends = Array.from({ length: 30 }, async (_, i) => {
      if (i % 10 === 5) await revoke(chat, "carol");
      return await accepted(chat.store, { from: "alice", to: "bob", text: String(i) });
    });
    await Promise.all(sends);
    const seqs = (): number[] => bob.changes().flatMap((change) => (change.kind === "message" ? [change.seq] : []));
    await until(() => seqs().length === 30);
    expect(seqs()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });
});

describe("revalidation", () => {
  test("H15 asks the host about each open socket from time to time; its no closes, its failure and silence do not", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const asked: string[] = [];
    const answers: Record<string, () => boolean | Promise<boolean>> = {
      good: () => true,
      gone: () => false,
      broken: () => {
        throw new Error("defect");
      },
      silent: () => new Promise(() => {}),
      odd: () => undefined as never,
    };
    const chat = await start({
      clock,
      limits: { heartbeatMs: 100_000_000, headPollMs: 60_000, revalidateMs: 10_000, hostAnswerMs: 1_000 },
      revalidate(session) {
        asked.push(`${session.tenant} ${session.user} ${session.device}`);
        return answers[session.user]?.() ?? true;
      },
    });
    const sockets = Object.keys(answers).map((user) => ({ user, socket: chat.connect(user, { device: "phone" }) }));
    await until(() => sockets.every(({ socket }) => isLive(socket)));
    await clock.advance(9_000);
    expect(asked).toEqual([]);
    await clock.advance(5_000);
    expect(asked.toSorted()).toEqual(
      Object.keys(answers)
        .map((user) => `default ${user} phone`)
        .toSorted(),
    );
    const closed = sockets.filter(({ socket }) => socket.state.closed !== null);
    expect(closed.map(({ user, socket }) => [user, socket.state.closed?.code])).toEqual([["gone", 4401]]);
    answers["good"] = () => false;
    await clock.advance(12_000);
    expect(sockets.find(({ user }) => user === "good")?.socket.state.closed?.code).toBe(4401);
    expect(chat.events.filter(({ type }) => type === "fault").length).toBe(4);
  });
});
