import { afterEach, describe, expect, test } from "bun:test";
import type { Admission } from "../../src/access/admission.ts";
import { type SharedNodes, type SharedNodesOptions, startSharedNodes } from "../tenant/shared-nodes.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, fakeSocket, until } from "../support/fake-socket.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { accepted, newId, person } from "../support/store.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startHub);

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
    // It is for nodes: the sockets that stay open are sent nothing.
    await accepted(chat.store, { from: "bob", to: "alice" });
    await until(() => laptop.changes().some(({ kind }) => kind === "message"));
    expect(JSON.stringify(laptop.frames)).not.toContain("revocation");
  });

  test("T5 that another node made is found in the log, also without a bus; a socket that opens after it stays", async () => {
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

  test("T5 H3 one among commits loses and reorders nothing", async () => {
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

describe("upgrades and tickets from before a revocation", () => {
  let sessions = new Set(["good"]);
  let asked: string[] = [];
  let answer: () => boolean | Promise<boolean> = () => true;
  const nodes: SharedNodes[] = [];
  afterEach(async () => {
    for (const each of nodes.splice(0)) await each.stop();
  });

  async function two(options: SharedNodesOptions = {}): Promise<SharedNodes> {
    [sessions, asked, answer] = [new Set(["good"]), [], () => true];
    const shared = await startSharedNodes({
      nodes: 2,
      authenticate: ({ headers }) => (sessions.has(headers.get("x-session") ?? "") ? { user: "mallory" } : null),
      revalidate(session) {
        asked.push(session.device);
        return answer();
      },
      ...options,
    });
    nodes.push(shared);
    return shared;
  }
  const upgrade = (query: string) =>
    new Request(`http://127.0.0.1/ws?${query}`, { headers: { upgrade: "websocket", "x-session": "good" } });
  const buy = async (shared: SharedNodes, node = 0): Promise<{ status: number; ticket: string }> => {
    const request = new Request("http://127.0.0.1/tickets", { method: "POST", headers: { "x-session": "good" } });
    const response = await (shared.chats[node]?.fetch(request) ?? Promise.reject(new Error("no node")));
    return { status: response.status, ...((await response.json()) as { ticket: string }) };
  };
  const admitted = async (shared: SharedNodes, query: string, node = 0): Promise<Admission> => {
    const admission = await shared.chats[node]?.admit(upgrade(query));
    if (!admission || admission instanceof Response) throw new Error(`Not admitted: ${admission?.status}`);
    return admission;
  };

  for (const node of [0, 1])
    for (const hasBus of [true, false])
      test(`T7 a socket that opens after it on ${node === 0 ? "the same" : "another"} node, ${hasBus ? "with" : "without"} a bus, is closed with 4401`, async () => {
        const shared = await two({ hasBus });
        const [phone, laptop] = [
          await admitted(shared, "device=phone", node),
          await admitted(shared, "device=laptop", node),
        ];
        await shared.chats[0]?.disconnect({ user: "mallory", device: "phone", reason: "banned" });
        // Wait until that node has seen it, as it does for a socket that is open.
        const early = fakeSocket();
        early.attach(shared.chats[node]?.connect(early.socket, phone) ?? (undefined as never));
        await until(() => early.state.closed !== null);
        expect(early.state.closed).toEqual({ code: 4401, reason: "banned" });
        const late = fakeSocket();
        late.attach(shared.chats[node]?.connect(late.socket, phone) ?? (undefined as never));
        await until(() => late.state.closed !== null);
        expect(late.state.closed).toEqual({ code: 4401, reason: "banned" });
        expect(late.frames).toEqual([]);
        const other = fakeSocket();
        other.attach(shared.chats[node]?.connect(other.socket, laptop) ?? (undefined as never));
        await until(() => isLive(other));
        const after = fakeSocket();
        after.attach(
          shared.chats[node]?.connect(after.socket, await admitted(shared, "device=phone", node)) ??
            (undefined as never),
        );
        await until(() => isLive(after));
      });

  for (const node of [0, 1])
    test(`T7 a ticket that was bought before it opens nothing on ${node === 0 ? "the same" : "another"} node`, async () => {
      const shared = await two();
      const { ticket } = await buy(shared);
      const { ticket: unused } = await buy(shared);
      await shared.chats[0]?.disconnect({ user: "mallory", device: "elsewhere", reason: "banned" });
      for (const each of [ticket, unused])
        expect(await shared.chats[node]?.admit(upgrade(`device=b&ticket=${each}`))).toMatchObject({ status: 401 });
      const { ticket: fresh } = await buy(shared);
      expect(await shared.chats[node]?.admit(upgrade(`device=b&ticket=${fresh}`))).toMatchObject({ device: "b" });
    });

  test("T7 a ticket of a session that was proved before it, with a row that was written after it, is refused", async () => {
    let onHead = async (): Promise<void> => {};
    const shared = await two({
      wrapEngine: (engine) => ({
        ...engine,
        async write(statements) {
          if (statements.some(({ sql }) => sql.includes("INSERT INTO tidings_ticket"))) await onHead();
          return await engine.write(statements);
        },
      }),
    });
    onHead = async () => {
      onHead = async () => {};
      await shared.chats[1]?.disconnect({ user: "mallory" });
    };
    expect((await buy(shared)).status).toBe(503);
    const [rows] = await shared.engine.read([{ sql: "SELECT * FROM tidings_ticket" }]);
    expect(rows).toEqual([]);
  });

  test("T7 the host is asked again when a ticket is used: its no is 401, its silence 503", async () => {
    const shared = await two({ limits: { hostAnswerMs: 20 } });
    const use = async (): Promise<unknown> =>
      await shared.chats[0]?.admit(upgrade(`device=b&ticket=${(await buy(shared)).ticket}`));
    expect(await use()).toMatchObject({ device: "b" });
    answer = () => false;
    expect(await use()).toMatchObject({ status: 401 });
    answer = () => new Promise(() => {});
    expect(await use()).toMatchObject({ status: 503 });
    expect(asked).toEqual(["b", "b", "b"]);
  });

  test("T7 a node that starts after it closes sockets that were admitted before it", async () => {
    const shared = await two();
    const admission = await admitted(shared, "device=phone");
    await shared.chats[0]?.disconnect({ user: "mallory", reason: "banned" });
    const witness = fakeSocket();
    witness.attach(
      shared.chats[0]?.connect(witness.socket, await admitted(shared, "device=witness")) ?? (undefined as never),
    );
    await until(() => isLive(witness));
    // The runtime of a new history is as a node that has just started.
    await shared.restore(await shared.backUp(), "restored0001");
    await until(() => witness.state.closed !== null && shared.chats[0]?.isReady() === true);
    const late = fakeSocket();
    late.attach(shared.chats[0]?.connect(late.socket, admission) ?? (undefined as never));
    await until(() => late.state.closed !== null);
    expect(late.state.closed).toEqual({ code: 4401, reason: "banned" });
  });
});

describe("revalidation", () => {
  /** A socket with a session that ends in 20 s, about which the host is asked every 15 s. */
  async function startSliding(answer: (now: number) => unknown) {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const asked: number[] = [];
    const begun = clock.now();
    const chat = await start({
      clock,
      limits: { heartbeatMs: 100_000_000, headPollMs: 60_000, revalidateMs: 15_000, hostAnswerMs: 1_000 },
      revalidate() {
        asked.push(clock.now() - begun);
        return answer(clock.now()) as never;
      },
    });
    const socket = chat.connect("alice", { session: { expiresAt: begun + 20_000 } });
    await until(() => isLive(socket));
    return { chat, clock, asked, socket };
  }

  test("H17 the host moves the end of a session, as often as it likes", async () => {
    let end = Infinity;
    const { clock, socket } = await startSliding((now) => ({ expiresAt: Math.min(end, now + 20_000) }));
    for (let s = 0; s < 100; s++) await clock.advance(1_000);
    expect(socket.state.closed).toBeNull();
    end = clock.now() + 10_000;
    await clock.advance(25_000);
    expect(socket.state.closed?.code).toBe(4401);
  });

  test("H17 an end that has come closes at once, and an answer without one moves nothing", async () => {
    const past = await startSliding((now) => ({ expiresAt: now }));
    await past.clock.advance(17_000);
    expect(past.socket.state.closed?.code).toBe(4401);
    for (const answer of [true, {}, { expiresAt: undefined }, null]) {
      const same = await startSliding(() => answer);
      await same.clock.advance(19_900);
      expect(same.socket.state.closed).toBeNull();
      await same.clock.advance(200);
      expect(same.socket.state.closed?.code).toBe(4401);
    }
  });

  test("H17 the host is asked once more shortly before the end, and not again for the same one", async () => {
    const { clock, asked } = await startSliding(() => true);
    await clock.advance(19_900);
    expect(asked.length).toBe(2);
    expect(asked[0]).toBeWithin(15_000, 17_000);
    expect(asked[1]).toBeWithin(17_000, 19_000);
  });

  test("H17 A37 an answer that is no time, or plainly seconds, is no answer", async () => {
    for (const expiresAt of [NaN, Infinity, "tomorrow", null, 1_780_000_600]) {
      const { chat, clock, socket } = await startSliding(() => ({ expiresAt }));
      await clock.advance(16_500);
      expect(socket.state.closed).toBeNull();
      expect(chat.events.filter(({ type }) => type === "fault").length).toBe(1);
    }
  });

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
