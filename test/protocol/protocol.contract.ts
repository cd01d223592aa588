import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import {
  type Client,
  connect,
  connectRaw,
  endClients,
  type Frame,
  hasReceipt,
  hasText,
  isChanges,
  isError,
  isReset,
  isPresence,
  isTyping,
  join,
  opcode,
  type RawClient,
  type Rejected,
  wsPath,
} from "../support/client.ts";
import { type RunningServer, type Start, temporaryFolder } from "../support/server.ts";
import { deadline } from "../support/deadline.ts";

/** Longer than marks gather before their commit, and changes take to arrive. */
const quietMs = 400;
const unknownConversation = "c000unknown";

/** The parts of the contract that a runtime prevents, as in docs/mounting.md. */
export type Traits = {
  /** Pongs are not visible: the runtime's own idle timeout applies (PROTOCOL 6, 4408). */
  readonly hidesPongs?: boolean;
  /** A connection that is closed while the peer still sends is reset: the close code may be lost. */
  readonly resetsOnClose?: boolean;
  /** Upgrades to other protocols than WebSocket are never answered. */
  readonly ignoresOtherUpgrades?: boolean;
  /** Leaves out tests without the database, such as bad frames and heartbeats: they run elsewhere. */
  readonly skipsEdge?: boolean;
  /** Leaves out tests of what is stored and sent on, which no adapter has a part in: they run elsewhere. */
  readonly skipsCore?: boolean;
  /** Small frames that one client sends at once; default: 4 000. */
  readonly framesAtOnce?: number;
};

/** Connections and servers of one test, closed at its end. */
type Beside = {
  readonly raw: (port: number, path: string, options?: Parameters<typeof connectRaw>[2]) => Promise<RawClient>;
  readonly startOwn: Start;
};

/** Checks the behaviour in sections 1 to 4 and 6 of PROTOCOL.md on any server that `start` starts. */
export function describeProtocol(name: string, start: Start, traits: Traits = {}): void {
  const testUnless = (isLeftOut: boolean | undefined) =>
    isLeftOut ? (_name: string, _run: () => Promise<void>): void => {} : test;
  const testEdge = testUnless(traits.skipsEdge);
  const describeUnless = (isLeftOut: boolean | undefined) =>
    isLeftOut ? (_name: string, _tests: () => void): void => {} : describe;
  const describeEdge = describeUnless(traits.skipsEdge);
  const describeCore = describeUnless(traits.skipsCore);
  const { framesAtOnce = 4_000 } = traits;
  const resetCodes = traits.resetsOnClose ? [1_006, undefined] : [];
  describe(`${name}: the protocol`, () => {
    let server: RunningServer;
    let url = "";
    const own: RunningServer[] = [];
    const shared = new Map<string, Promise<RunningServer>>();
    const raws: RawClient[] = [];
    let endable: RunningServer | null = null;
    let endableFolder = "";

    const besides: (() => void)[] = [];

    beforeAll(async () => {
      server = await start();
      url = server.url;
      for (const begin of besides) begin();
    });
    afterAll(async () => {
      await server.dispose();
      for (const one of shared.values()) await one.then((started) => started.dispose());
      await endable?.dispose();
      if (endableFolder !== "") rmSync(endableFolder, { recursive: true, force: true });
    });

    /**
     * A test that mostly waits. All of these begin with the first test of the file and run beside the others, with their own connections.
     */
    const testBeside =
      (isLeftOut: boolean | undefined) =>
      (name: string, run: (own: Beside) => Promise<void>): void => {
        if (isLeftOut) return;
        let ended = Promise.resolve();
        besides.push(() => {
          ended = withOwn(run);
          // Its test reports the failure.
          ended.catch(() => {});
        });
        test(name, () => ended);
      };

    async function withOwn(run: (own: Beside) => Promise<void>): Promise<void> {
      const ends: (() => unknown)[] = [];
      try {
        await run({
          async raw(port, path, options) {
            const client = await connectRaw(port, `${server.base}${path}`, options);
            ends.push(client.end);
            return client;
          },
          async startOwn(options) {
            const one = await start(options);
            ends.push(one.dispose);
            return one;
          },
        });
      } finally {
        for (const end of ends) await end();
      }
    }
    afterEach(async () => {
      for (const raw of raws.splice(0)) raw.end();
      try {
        endClients();
      } finally {
        for (const one of own.splice(0)) await one.dispose();
      }
    });

    /** A server for a test that ends it and starts it again, on the same database: the next such test goes on with that one. */
    const startEndable = async (): Promise<RunningServer> => endable ?? (await startAgain());

    async function startAgain(): Promise<RunningServer> {
      if (endableFolder === "") endableFolder = temporaryFolder();
      await endable?.dispose();
      endable = await start({ dir: endableFolder });
      return endable;
    }

    /** A server for one test. */
    async function startOwn(options: Parameters<Start>[0] = {}): Promise<RunningServer> {
      const one = await start(options);
      own.push(one);
      return one;
    }

    /** A server with these variables, shared by all tests with the same ones. It ends after the last test. */
    function startShared(env: Readonly<Record<string, string>>): Promise<RunningServer> {
      const key = JSON.stringify(env);
      const one = shared.get(key) ?? start({ env });
      shared.set(key, one);
      return one;
    }

    async function raw(port: number, path: string, options: Parameters<typeof connectRaw>[2] = {}): Promise<RawClient> {
      const client = await connectRaw(port, `${server.base}${path}`, options);
      raws.push(client);
      return client;
    }

    /** Names that no other test of this server uses. */
    function people(): { alice: string; bob: string; carol: string } {
      const suffix = randomUUID().slice(0, 8);
      return { alice: `alice-${suffix}`, bob: `bob-${suffix}`, carol: `carol-${suffix}` };
    }

    async function expectProblem(client: RawClient, status: number, code: string): Promise<void> {
      const { answer } = client;
      expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({
        status,
        type: "application/problem+json",
      });
      expect(JSON.parse(answer.body)).toMatchObject({ code, status });
    }

    /** Checks that the server still serves: a new pair can talk. */
    async function expectAlive(at: string = url): Promise<void> {
      const { alice, bob } = people();
      const to = await join(at, { user: bob });
      const from = await join(at, { user: alice });
      await from.sendOk({ to: bob }, "alive?");
      await to.next(hasText("alive?"));
    }

    /** Two users with `count` messages from the first to the second. */
    async function pair(count: number): Promise<{ a: Client; bob: string; alice: string; conversation: string }> {
      const { alice, bob } = people();
      const a = await join(url, { user: alice, device: "a1" });
      let conversation = "";
      for (let i = 1; i <= count; i++) conversation = (await a.sendOk({ to: bob }, `m${i}`)).conversation;
      return { a, alice, bob, conversation };
    }

    const seqs = (client: Client): number[] => client.messages().map(({ seq }) => seq);
    const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

    describe("connecting", () => {
      test("P1 welcome is first, with the user, device, cursor and limits", async () => {
        const { alice } = people();
        const before = Date.now();
        const client = await join(url, { user: alice, device: "d1" });
        const { cursor: _, time, history, ...rest } = client.welcome;
        expect(history).not.toBe("");
        expect(rest).toEqual({
          type: "welcome",
          protocol: 1,
          level: 1,
          user: alice,
          tenant: "default",
          device: "d1",
          heartbeatMs: 25_000,
          limits: { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 },
        });
        expect(Math.abs(time - before)).toBeLessThan(60_000);
        expect(client.frames[0]).toBe(client.welcome);
      });

      test("P74 welcome names the tenant", async () => {
        const { alice } = people();
        const tenants = [];
        for (const tenant of ["acme", undefined])
          tenants.push((await join(url, { user: alice, ...(tenant && { tenant }) })).welcome.tenant);
        expect(tenants).toEqual(["acme", "default"]);
      });

      test("P2 without a device it is `default`", async () => {
        const { alice } = people();
        expect((await connect(url, { user: alice })).welcome.device).toBe("default");
      });

      test("P2 ids can be phone numbers, e-mail addresses and 128 characters, compared byte by byte", async () => {
        const suffix = randomUUID().slice(0, 8);
        for (const user of [`auth0|${suffix}`, `+2499123${suffix}`, `a.b_c~d:e@${suffix}`, suffix.padEnd(128, "x")]) {
          expect((await connect(url, { user, device: user })).welcome).toMatchObject({ user, device: user });
        }
        const lower = await join(url, { user: `case-${suffix}` });
        const upper = await join(url, { user: `CASE-${suffix}` });
        await (await join(url, { user: `from-${suffix}` })).sendOk({ to: `case-${suffix}` }, "for the lower one");
        await lower.next(hasText("for the lower one"));
        await upper.settle();
        expect(upper.messages()).toEqual([]);
      });

      for (const [what, query] of [
        ["device", "device="],
        ["device", "device=a%20b"],
        ["device", "device=zo%C3%AB"],
        ["device", "device=.."],
        ["device", "device=%2e"],
        ["device", `device=${"x".repeat(129)}`],
        ["device", "device=a&device=b"],
        ["device", "device=%ff"],
        ["cursor", "cursor="],
        ["cursor", "cursor=nonsense"],
        ["cursor", "cursor=a%00b.1"],
        ["cursor", "cursor=-1"],
        ["cursor", "cursor=abcdefgh.1&cursor=abcdefgh.1"],
        // No server writes a leading zero, nor a number past 2^53.
        ["cursor", "cursor=abcdefgh.01"],
        ["cursor", "cursor=abcdefgh.zzzzzzzzzzz"],
      ] as const) {
        test(`P3 a malformed ${what} is refused with 400: ${query.slice(0, 40)}`, async () => {
          await expectProblem(await raw(server.port, `/ws?user=alice&${query}`), 400, "bad_request");
        });
      }

      for (const query of [
        "",
        "user=",
        "user=a%20b",
        "user=a&user=b",
        `user=${"x".repeat(129)}`,
        "user=alice&tenant=a%20b",
      ]) {
        test(`P4 a request without a user gets 401: ?${query.slice(0, 40)}`, async () => {
          await expectProblem(await raw(server.port, `/ws?${query}`), 401, "unauthenticated");
        });
      }

      for (const origin of ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"]) {
        test(`P5 a foreign Origin is refused with 403: ${origin}`, async () => {
          await expectProblem(
            await raw(server.port, "/ws?user=alice", { headers: { Origin: origin } }),
            403,
            "forbidden",
          );
        });
      }

      test("P5 the server's own Origin passes", async () => {
        const client = await raw(server.port, "/ws?user=own", {
          headers: { Origin: `http://127.0.0.1:${server.port}` },
        });
        expect(client.answer.status).toBe(101);
      });

      for (const host of ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.:80"]) {
        test(`P5 the demo refuses a foreign Host with 403: ${host}`, async () => {
          await expectProblem(await raw(server.port, "/ws?user=alice", { headers: { Host: host } }), 403, "forbidden");
        });
      }

      for (const [what, headers] of [
        ["no Upgrade", { Upgrade: null, Connection: "close" }],
        ["another protocol", { Upgrade: "h2c" }],
      ] as const) {
        const isLeftOut = what === "another protocol" && traits.ignoresOtherUpgrades;
        testUnless(isLeftOut)(`P6 a request that is no WebSocket upgrade gets 426: ${what}`, async () => {
          await expectProblem(await raw(server.port, "/ws?user=alice", { headers }), 426, "upgrade_required");
        });
      }

      test("P6 the word websocket is accepted in any case", async () => {
        const { alice } = people();
        const client = await raw(server.port, wsPath({ user: alice }), { headers: { Upgrade: "WebSocket" } });
        expect(client.answer.status).toBe(101);
      });

      for (const [what, headers] of [
        ["no key", { "Sec-WebSocket-Key": null }],
        ["no Connection", { Connection: "close" }],
      ] as const) {
        test(`P6 an incomplete handshake is never a server error: ${what}`, async () => {
          const { alice } = people();
          const client = await raw(server.port, wsPath({ user: alice }), { headers });
          expect(what === "no key" ? [400, 426] : [101, 400, 426]).toContain(client.answer.status);
          expect(server.output()).not.toMatch(/Error|\bat .*:\d+:\d+/);
          await expectAlive();
        });
      }

      for (const [offer, selected] of [
        ["tidings.v1", "tidings.v1"],
        ["bearer.secret, tidings.v1", "tidings.v1"],
        ["tidings.v1, bearer.secret", "tidings.v1"],
        ["bearer.secret", null],
        ["tidings.v10, tidings.v2, TIDINGS.V1", null],
        [null, null],
      ] as const) {
        test(`P7 of the subprotocols ${offer} the server selects ${selected}`, async () => {
          const client = await raw(server.port, "/ws?user=alice", { headers: { "Sec-WebSocket-Protocol": offer } });
          expect(client.answer.status).toBe(101);
          // RFC 6455 has no empty selection: the header names the choice, or is not there.
          expect(client.answer.headers.get("sec-websocket-protocol") ?? null).toBe(selected);
        });
      }

      test("P7 no compression is negotiated", async () => {
        const headers = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
        const client = await raw(server.port, "/ws?user=alice", { headers });
        expect(client.answer.headers.has("sec-websocket-extensions")).toBe(false);
      });

      test("P8 several connections of one device are allowed, and each gets everything", async () => {
        const { alice, bob } = people();
        const tabs = await Promise.all([1, 2, 3].map(() => join(url, { user: bob, device: "one" })));
        const a = await join(url, { user: alice });
        for (let i = 1; i <= 5; i++) await a.sendOk({ to: bob }, `m${i}`);
        for (const tab of tabs) {
          await tab.when(() => tab.messages().length === 5);
          expect(seqs(tab)).toEqual(upTo(5));
        }
      });

      test("P9 a user's first device starts at the beginning", async () => {
        const { bob } = await pair(3);
        const first = await join(url, { user: bob, device: "b1" });
        expect(seqs(first)).toEqual([1, 2, 3]);
      });

      test("P9 a new device starts after the furthest ack of any device of the user", async () => {
        const { a, bob } = await pair(3);
        const first = await join(url, { user: bob, device: "b1" });
        first.ack();
        await a.next(hasReceipt(bob, { delivered: 3 }));
        await a.sendOk({ to: bob }, "m4");
        const second = await join(url, { user: bob, device: "b2" });
        expect(seqs(second)).toEqual([4]);
      });

      test("P9 that start is stored before welcome: it does not move when another device acks", async () => {
        const { a, bob } = await pair(1);
        const first = await join(url, { user: bob, device: "b1" });
        first.ack();
        await a.next(hasReceipt(bob, { delivered: 1 }));
        await a.sendOk({ to: bob }, "m2");
        // Never acks: only its start can be remembered.
        (await connect(url, { user: bob, device: "b2" })).terminate();
        await first.next(hasText("m2"));
        first.ack();
        await a.next(hasReceipt(bob, { delivered: 2 }));
        expect(seqs(await join(url, { user: bob, device: "b2" }))).toEqual([2]);
      });

      test("P10 a known device without a cursor resumes after its ack", async () => {
        const { a, bob } = await pair(2);
        const first = await join(url, { user: bob, device: "b1" });
        first.ack();
        await a.next(hasReceipt(bob, { delivered: 2 }));
        await first.close();
        await a.sendOk({ to: bob }, "m3");
        const again = await join(url, { user: bob, device: "b1" });
        expect(seqs(again)).toEqual([3]);
        await again.close();
        // Not acked since: it comes again.
        expect(seqs(await join(url, { user: bob, device: "b1" }))).toEqual([3]);
      });

      test("P11 connecting with a cursor acks it", async () => {
        const { a, bob } = await pair(2);
        const first = await join(url, { user: bob, device: "b1" });
        const cursor = first.cursor();
        await first.close();
        a.skip();
        const again = await join(url, { user: bob, device: "b1", cursor });
        expect(again.welcome.cursor).toBe(cursor);
        await a.next(hasReceipt(bob, { delivered: 2 }));
        expect(seqs(again)).toEqual([]);
      });

      test("P12 each connection replays from its own cursor, even below the ack, which never goes back", async () => {
        const { a, bob } = await pair(3);
        const first = await join(url, { user: bob, device: "b1" });
        const start = first.welcome.cursor;
        first.ack();
        await a.next(hasReceipt(bob, { delivered: 3 }));
        const below = await join(url, { user: bob, device: "b1", cursor: start });
        expect(below.frames.some(isReset)).toBe(false);
        expect(seqs(below)).toEqual([1, 2, 3]);
        below.ack(start);
        await below.settle();
        await Bun.sleep(quietMs);
        const after = await join(url, { user: bob, device: "b1" });
        expect(seqs(after)).toEqual([]);
      });

      for (const kind of ["of another epoch", "of another server"] as const) {
        test(`P13 a cursor ${kind} gets reset, nothing is acked, and it goes on where a new device would start`, async () => {
          const { a, bob } = await pair(2);
          const first = await join(url, { user: bob, device: "b1" });
          first.ack();
          await a.next(hasReceipt(bob, { delivered: 2 }));
          await a.sendOk({ to: bob }, "m3");
          await first.next(hasText("m3"));
          const cursor = kind === "of another server" ? "A".repeat(22) : "0000000000000000.1";
          a.skip();
          const again = await join(url, { user: bob, device: "b1", cursor });
          expect(again.frames[1]).toEqual({ type: "reset", reason: "epoch", cursor: again.welcome.cursor });
          expect(seqs(again)).toEqual([3]);
          expect(seqs(await join(url, { user: bob, device: "b3", cursor }))).toEqual([3]);
          await Bun.sleep(quietMs);
          expect(a.receipts().every(({ delivered }) => delivered <= 2)).toBe(true);
          expect(seqs(await join(url, { user: bob, device: "b1" }))).toEqual([3]);
          again.ack();
          await a.next(hasReceipt(bob, { delivered: 3 }));
        });
      }

      test("P14 past its limit of connections a user gets 429 with Retry-After, and others can connect", async () => {
        const { alice } = people();
        const path = wsPath({ user: alice });
        let refused: RawClient | null = null;
        for (let i = 0; i < 200 && refused === null; i++) {
          const client = await raw(server.port, path);
          if (client.answer.status !== 101) refused = client;
        }
        if (refused === null) throw new Error("200 connections of one user were let in");
        await expectProblem(refused, 429, "too_many_connections");
        expect(Number(refused.answer.headers.get("retry-after"))).toBeGreaterThan(0);
        await expectAlive();
      });

      test("T1 P40 tenants with the same users see nothing of each other", async () => {
        const { alice, bob } = people();
        const mine = await join(url, { user: bob, tenant: "acme" });
        const theirs = await join(url, { user: bob, tenant: "other" });
        const a = await join(url, { user: alice, tenant: "acme" });
        const { conversation } = await a.sendOk({ to: bob }, "for acme");
        await mine.next(hasText("for acme"));
        expect((await theirs.sendBad({ conversation }, "hi")).code).toBe("not_found");
        theirs.expectError();
        theirs.read(conversation, 1);
        expect((await theirs.next(isError)).code).toBe("not_found");
        await theirs.settle();
        expect(theirs.changes()).toEqual([]);
      });
    });

    describeCore("changes", () => {
      test("P15 after welcome there is always one, possibly empty", async () => {
        const { alice } = people();
        const client = await connect(url, { user: alice });
        const first = await client.next(isChanges);
        expect(first).toMatchObject({ changes: [], more: false });
      });

      test("P15 a device that has everything gets an empty one too", async () => {
        const { bob } = await pair(2);
        const first = await join(url, { user: bob });
        // Connecting with a cursor acks it, which makes a change: here that is already committed.
        first.ack();
        await first.when(() =>
          first.frames.some(
            (frame) => frame.type === "changes" && frame.changes.some((change) => change.kind === "receipt"),
          ),
        );
        const again = await connect(url, { user: bob, cursor: first.cursor() });
        expect(await again.next(isChanges)).toMatchObject({ changes: [], more: false });
      });

      test("P16 a backlog comes in frames of at most 64 KiB, in order, and `more` says whether another follows", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const text = "é".repeat(1_500);
        for (let i = 0; i < 120; i++) a.post({ to: bob }, `${i} ${text}`);
        await a.when(() => a.unanswered().length === 0);
        const b = await connect(url, { user: bob });
        await b.when(() => b.messages().length === 120);
        const frames = b.frames.filter(isChanges);
        expect(frames.length).toBeGreaterThan(5);
        for (const frame of frames.slice(0, -1)) expect(frame.more).toBe(true);
        await b.when(() => b.frames.findLast(isChanges)?.more === false);
        expect(seqs(b)).toEqual(upTo(120));
        expect(b.messages().map((message) => message.text)).toEqual(upTo(120).map((i) => `${i - 1} ${text}`));
      });

      test("P16 each frame's cursor covers all changes so far: resuming from any of them continues without a hole", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < 40; i++) a.post({ to: bob }, `${i} ${"x".repeat(8_000)}`);
        await a.when(() => a.unanswered().length === 0);
        const b = await join(url, { user: bob, device: "b1" });
        let seen = 0;
        for (const frame of b.frames.filter(isChanges)) {
          seen += frame.changes.length;
          const resumed = await join(url, { user: bob, device: "b2", cursor: frame.cursor });
          await resumed.when(() => resumed.frames.findLast(isChanges)?.more === false);
          expect(resumed.messages().map(({ seq }) => seq)).toEqual(upTo(40).slice(seen));
        }
        expect(seen).toBe(40);
      });

      test("P16 a change that is larger than a frame comes alone in a frame", async () => {
        const { alice, bob } = people();
        const b = await join(url, { user: bob });
        const a = await join(url, { user: alice });
        // Each character takes six bytes of JSON: the send just fits into a frame, the change does not.
        const text = "\u0001".repeat(10_895);
        for (let i = 0; i < 4; i++) a.post({ to: bob }, text);
        await a.when(() => a.unanswered().length === 0);
        await b.when(() => b.messages().length === 4);
        const late = await join(url, { user: bob, device: "late" });
        await late.when(() => late.messages().length === 4);
        for (const client of [b, late]) {
          expect(client.messages().every((message) => message.text === text)).toBe(true);
          const sizes = client.frames.filter(isChanges).map(({ changes }) => changes.length);
          expect(Math.max(...sizes)).toBe(1);
        }
      });
    });

    describeCore("send", () => {
      test("P17 the first message makes the conversation, each gets the next seq, and the answer is the message's", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const b = await join(url, { user: bob });
        const first = await a.sendOk({ to: bob }, "one");
        const second = await b.sendOk({ to: alice }, "two");
        expect(first).toMatchObject({ seq: 1, duplicate: false });
        expect(second).toMatchObject({ seq: 2, duplicate: false, conversation: first.conversation });
        await b.when(() => b.messages().length > 0);
        const { conversation, seq, id, time } = first;
        expect(b.messages()[0]).toEqual({
          kind: "message",
          conversation,
          seq,
          id,
          from: alice,
          to: bob,
          text: "one",
          time,
        });
      });

      test("P72 a message id in upper case is the same id: answered as it was sent, stored in lower case", async () => {
        const { alice, bob } = people();
        const id = randomUUID();
        const a = await join(url, { user: alice });
        const first = await a.sendOk({ to: bob }, "from a phone", id.toUpperCase());
        expect(first).toMatchObject({ id: id.toUpperCase(), seq: 1, duplicate: false });
        const again = await a.sendOk({ to: bob }, "from a phone", id);
        expect(again).toEqual({ ...first, id, duplicate: true });
        expect(await a.sendBad({ to: bob }, "other", id.toUpperCase())).toMatchObject({
          id: id.toUpperCase(),
          code: "conflict",
        });
        expect(await a.sendBad({ to: bob }, "", id.toUpperCase())).toMatchObject({ id: id.toUpperCase() });
        const b = await join(url, { user: bob });
        expect(b.messages().map((message) => message.id)).toEqual([id]);
      });

      for (const [what, code, payload, closes] of [
        ["no WebSocket frame", 3, [1], 1002],
        ["text that is no UTF-8", opcode.text, [0xff, 0xfe], 1007],
      ] as const) {
        test(`P73 ${what} closes the connection with ${closes}`, async () => {
          const { alice, bob } = people();
          const client = await connectRaw(server.port, `${server.base}${wsPath({ user: alice })}`);
          client.frame(code, Uint8Array.from(payload));
          await client.ended;
          expect([closes, ...resetCodes]).toContain(client.closed()?.code);
          client.end();
          await (await join(url, { user: alice })).sendOk({ to: bob }, "the server goes on");
        });
      }

      test("P18 a retry gets the original answer as a duplicate: on this connection, another, and after a restart", async () => {
        const { alice, bob } = people();
        const one = await startEndable();
        const a = await join(one.url, { user: alice, device: "a1" });
        const first = await a.sendOk({ to: bob }, "once");
        await a.sendOk({ to: bob }, "later");
        expect(await a.send({ to: bob }, "once", first.id)).toEqual({ ...first, duplicate: true });
        const other = await join(one.url, { user: alice, device: "a2" });
        expect(await other.send({ to: bob }, "once", first.id)).toEqual({ ...first, duplicate: true });
        await one.kill9();
        const two = await startAgain();
        const again = await join(two.url, { user: alice, device: "a1" });
        expect(await again.send({ to: bob }, "once", first.id)).toEqual({ ...first, duplicate: true });
        const b = await join(two.url, { user: bob });
        expect(b.messages().map(({ seq, text }) => [seq, text])).toEqual([
          [1, "once"],
          [2, "later"],
        ]);
      });

      test("O1 a burst of retries of one id, over several connections at once, makes one message", async () => {
        const { alice, bob } = people();
        const all = await Promise.all([1, 2, 3, 4].map((i) => join(url, { user: alice, device: `a${i}` })));
        const id = randomUUID();
        for (let i = 0; i < 10; i++) for (const client of all) client.post({ to: bob }, "once", id);
        for (const client of all) await client.when(() => client.unanswered().length === 0);
        const answers = all.flatMap((client) => client.frames.filter((frame) => frame.type === "accepted"));
        expect(answers.length).toBe(40);
        expect(answers.filter(({ duplicate }) => !duplicate).length).toBe(1);
        expect(new Set(answers.map(({ seq, time, conversation }) => `${seq} ${time} ${conversation}`)).size).toBe(1);
        expect(seqs(await join(url, { user: bob }))).toEqual([1]);
      });

      test("P19 the same id with other content is a conflict, and the first stays", async () => {
        const { alice, bob, carol } = people();
        const a = await join(url, { user: alice });
        const first = await a.sendOk({ to: bob }, "one");
        const never = { code: "conflict", retry: "never", id: first.id };
        expect(await a.sendBad({ to: bob }, "two", first.id)).toMatchObject(never);
        expect(await a.sendBad({ to: carol }, "one", first.id)).toMatchObject(never);
        expect(await a.sendBad({ to: bob }, "one ", first.id)).toMatchObject(never);
        expect(await a.send({ to: bob }, "one", first.id)).toEqual({ ...first, duplicate: true });
        const b = await join(url, { user: bob });
        expect(b.messages().map(({ text }) => text)).toEqual(["one"]);
        expect((await join(url, { user: carol })).messages()).toEqual([]);
      });

      test("P19 of two contents under one id in one burst the first wins", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const id = randomUUID();
        for (const text of ["one", "two", "one", "three"]) a.post({ to: bob }, text, id);
        await a.when(() => a.unanswered().length === 0);
        const answers = a.frames.filter((frame) => frame.type === "accepted" || frame.type === "rejected");
        expect(answers.map((frame) => (frame.type === "rejected" ? frame.code : frame.duplicate))).toEqual([
          false,
          "conflict",
          true,
          "conflict",
        ]);
      });

      test("P20 another sender may use the same id, even in the same conversation", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const b = await join(url, { user: bob });
        const first = await a.sendOk({ to: bob }, "from a");
        const second = await b.sendOk({ to: alice }, "from b", first.id);
        expect(second).toMatchObject({ seq: 2, duplicate: false });
        const fresh = await join(url, { user: alice, device: "fresh" });
        expect(fresh.messages().map(({ from, text }) => [from, text])).toEqual([
          [alice, "from a"],
          [bob, "from b"],
        ]);
      });

      test("P21 `to` and `conversation` name the same conversation: a retry by the other form is a duplicate", async () => {
        const { a, bob, conversation } = await pair(1);
        const byTo = await a.sendOk({ to: bob }, "by to");
        expect(await a.send({ conversation }, "by to", byTo.id)).toEqual({ ...byTo, duplicate: true });
        const byConversation = await a.sendOk({ conversation }, "by conversation");
        expect(byConversation).toMatchObject({ conversation, seq: 3 });
        expect(await a.send({ to: bob }, "by conversation", byConversation.id)).toEqual({
          ...byConversation,
          duplicate: true,
        });
      });

      test("P22 T4 a conversation of others and one that does not exist get the same answer", async () => {
        const { conversation } = await pair(1);
        const { carol } = people();
        const c = await join(url, { user: carol });
        const plain = ({ id: _, ...rest }: Rejected) => rest;
        const foreign = plain(await c.sendBad({ conversation }, "let me in"));
        expect(foreign).toMatchObject({ code: "not_found", retry: "never" });
        for (const id of [unknownConversation, "zzz", "__proto__", "c1' OR 1=1 --", "💥", "x".repeat(64)])
          expect(plain(await c.sendBad({ conversation: id }, "let me in"))).toEqual(foreign);
        const about = async (id: string): Promise<unknown> => {
          c.expectError();
          c.read(id, 1);
          const answer = await c.next(isError);
          c.expectError();
          c.typing({ conversation: id });
          return [answer, await c.next(isError)];
        };
        expect(await about(conversation)).toEqual(await about(unknownConversation));
      });

      for (const [what, to] of [
        ["nobody", ""],
        ["a space", "a b"],
        ["other letters", "zoë"],
        ["129 characters", "x".repeat(129)],
        ["a NUL", "a\0b"],
        ["a slash", "a/b"],
      ] as const) {
        test(`P23 a recipient that is ${what} is invalid_recipient`, async () => {
          const { alice } = people();
          const a = await join(url, { user: alice });
          expect(await a.sendBad({ to }, "hi")).toMatchObject({
            code: "invalid_recipient",
            retry: "never",
          });
          await a.settle();
        });
      }

      test("P90 a message to oneself comes once to the user's other connections, also to one that was away, and is never unread or undelivered", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice, device: "a1" });
        const others = [await join(url, { user: alice, device: "a1" }), await join(url, { user: alice, device: "a2" })];
        const start = a.cursor();
        const first = await a.sendOk({ to: alice }, "note");
        const { conversation } = first;
        expect(first).toMatchObject({ seq: 1, duplicate: false });
        expect(await a.send({ conversation }, "note", first.id)).toEqual({ ...first, duplicate: true });
        expect(await a.sendOk({ conversation }, "another")).toMatchObject({ conversation, seq: 2 });
        a.read(conversation, 2);
        for (const other of others) {
          await other.when(() => other.messages().length >= 2);
          other.ack();
          other.read(conversation, 2);
        }
        a.typing({ conversation });
        await a.sendOk({ to: bob }, "to another user");
        const texts = ["note", "another", "to another user"];
        for (const other of others) {
          await other.when(() => other.messages().length >= 3);
          await other.settle();
          expect(other.messages().map(({ text }) => text)).toEqual(texts);
        }
        const away = await join(url, { user: alice, device: "a3", cursor: start });
        expect(away.messages().map(({ text, from, to }) => [text, from, to])).toEqual([
          ["note", alice, alice],
          ["another", alice, alice],
          ["to another user", alice, bob],
        ]);
        await Bun.sleep(quietMs);
        expect([a, ...others, away].flatMap((one) => one.receipts())).toEqual([]);
        expect(a.messages()).toEqual([]);
      });

      for (const [what, text] of [
        ["one byte", "x"],
        ["16 384 bytes", "x".repeat(16_384)],
        ["16 384 bytes in characters of two", "é".repeat(8_192)],
        ["16 384 bytes in characters of three and one of one", `${"€".repeat(5_461)}x`],
        ["16 384 bytes in characters of four", "💥".repeat(4_096)],
        ["controls, quotes, line ends and a byte order mark", '\u0001\u001f"\\\n\r\u2028\u2029\ufeff\uffff\u{10ffff}'],
        ["what could be taken for SQL or JSON", `'); DROP TABLE tidings_message; -- {"type":"x"} %s \${x}`],
        ["composed and decomposed letters", "\u00e9 e\u0301"],
      ] as const) {
        test(`P24 a text of ${what} is accepted and arrives unchanged`, async () => {
          const { alice, bob } = people();
          const a = await join(url, { user: alice });
          await a.sendOk({ to: bob }, text);
          const b = await join(url, { user: bob });
          expect(b.messages().map((message) => message.text)).toEqual([text]);
        });
      }

      for (const [what, text] of [
        ["16 385 bytes", "x".repeat(16_385)],
        ["16 386 bytes in characters of two", "é".repeat(8_193)],
        ["16 386 bytes in characters of three", "€".repeat(5_462)],
        ["16 385 bytes with characters of four", `${"💥".repeat(4_096)}x`],
      ] as const) {
        test(`P24 a text of ${what} is too_large`, async () => {
          const { alice, bob } = people();
          const a = await join(url, { user: alice });
          expect(await a.sendBad({ to: bob }, text)).toMatchObject({ code: "too_large", retry: "never" });
        });
      }

      for (const [what, text] of [
        ["empty", '""'],
        ["with a NUL", '"a\\u0000b"'],
        ["with a lone high surrogate", '"a\\ud800b"'],
        ["with a lone low surrogate", '"\\udc00"'],
        ["with surrogates in the wrong order", '"\\udc00\\ud800"'],
      ] as const) {
        test(`P24 a text ${what} is rejected as bad_frame`, async () => {
          const { alice, bob } = people();
          const a = await join(url, { user: alice });
          const id = randomUUID();
          a.raw(`{"type":"send","id":"${id}","to":"${bob}","text":${text}}`, { id });
          const answer = await a.next((frame): frame is Rejected => frame.type === "rejected");
          expect(answer).toMatchObject({ id, code: "bad_frame", retry: "never" });
          await a.sendOk({ to: bob }, "still here");
        });
      }

      // test/hub/hub.test.ts shows with a fake clock that it comes within a second.
      test("P25 the sender's connection leaves its own message out, and gets an empty changes", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        a.skip();
        const before = a.cursor();
        await a.sendOk({ to: bob }, "hi");
        const changes = await a.next(isChanges);
        expect(changes).toMatchObject({ changes: [], more: false });
        expect(changes.cursor).not.toBe(before);
        await a.close();
        // The cursor covers the message: it does not come again.
        expect((await join(url, { user: alice, cursor: changes.cursor })).messages()).toEqual([]);
        expect((await join(url, { user: alice, cursor: before })).messages().length).toBe(1);
      });

      test("P25 the sender's other devices and other connections get it", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice, device: "a1" });
        const others = [await join(url, { user: alice, device: "a1" }), await join(url, { user: alice, device: "a2" })];
        const { seq } = await a.sendOk({ to: bob }, "hi");
        for (const other of others) {
          const { changes } = await other.next(hasText("hi"));
          expect(changes).toMatchObject([{ seq, from: alice, to: bob }]);
        }
        await Bun.sleep(quietMs);
        expect(a.messages()).toEqual([]);
      });

      test("P25 in a steady stream of the client's own sends the cursor still moves on", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        a.skip();
        for (let i = 0; a.frames.filter(isChanges).length < 3; i++) {
          await a.sendOk({ to: bob }, `m${i}`);
          await Bun.sleep(20);
        }
      });

      test("P25 the cursor also moves on when other answers wait behind the sends, and covers all sends in the end", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        let isLast = false;
        const push = (): void => {
          a.post({ to: bob }, "more");
          a.ping("1");
        };
        a.tap((frame) => {
          if (frame.type === "accepted" && !isLast) push();
        });
        // More than one, so that an answer always waits.
        for (let i = 0; i < 4; i++) push();
        await a.when(() => a.frames.filter(isChanges).length >= 2);
        isLast = true;
        await a.when(() => a.unanswered().length === 0);
        a.skip();
        // The faster the machine, the more was sent: then the sender's own rate refuses an upgrade for a while.
        const left = async (): Promise<number> => {
          for (let refusals = 0; ; refusals++)
            try {
              return (await join(url, { user: alice, cursor: a.cursor() })).messages().length;
            } catch (refusal) {
              if (refusals === 200) throw refusal;
              await Bun.sleep(50);
            }
        };
        while ((await left()) > 0) await a.next(isChanges);
      });

      test("P26 O4 answers of all kinds keep the order of the frames", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const old = await a.sendOk({ to: bob }, "old");
        for (let i = 0; i < 9; i++) {
          a.post({ to: bob }, `m${i}`);
          a.ping(`p${i}`);
          a.post({ to: bob }, "old", old.id);
          a.raw("no JSON", "error");
          a.post({ to: bob }, "not the old one", old.id);
          a.post({ to: "a b" }, "nobody");
          a.post({ conversation: unknownConversation }, "nowhere");
          a.ping(`q${i}`);
        }
        await a.when(() => a.unanswered().length === 0);
        // The strict client compared each answer with the expected one.
        const b = await join(url, { user: bob });
        expect(b.messages().map(({ text }) => text)).toEqual(["old", ...upTo(9).map((i) => `m${i - 1}`)]);
      });

      test("O4 a message that is sent after reading another's message comes after it", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const b = await join(url, { user: bob });
        for (let i = 0; i < 20; i++) {
          const sent = await a.sendOk({ to: bob }, `a${i}`);
          await b.next(hasText(`a${i}`));
          const answer = await b.sendOk({ to: alice }, `b${i}`);
          expect(answer.seq).toBe(sent.seq + 1);
        }
      });
    });

    describeCore("receipts", () => {
      test("P27 O8 a message written to a socket is not delivered; a message acked by any device is", async () => {
        const { a, bob, conversation } = await pair(3);
        const b1 = await join(url, { user: bob, device: "b1" });
        const b2 = await join(url, { user: bob, device: "b2" });
        await Bun.sleep(quietMs);
        expect(a.receipts()).toEqual([]);
        b2.ack();
        const receipt = { kind: "receipt", conversation, user: bob, delivered: 3, read: 0 } as const;
        expect((await a.next(hasReceipt(bob, { delivered: 3 }))).changes).toEqual([receipt]);
        b1.ack();
        await Bun.sleep(quietMs);
        expect(a.receipts()).toEqual([receipt]);
      });

      test("P27 an ack in the middle delivers only the messages that it covers", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const b = await join(url, { user: bob });
        await a.sendOk({ to: bob }, "one");
        const { cursor } = await b.next(hasText("one"));
        await a.sendOk({ to: bob }, "two");
        await b.next(hasText("two"));
        b.ack(cursor);
        await a.next(hasReceipt(bob, { delivered: 1 }));
        await Bun.sleep(quietMs);
        expect(a.receipts().map(({ delivered }) => delivered)).toEqual([1]);
      });

      test("P28 read is clamped to the last seq and raises delivered", async () => {
        const { a, bob, conversation } = await pair(3);
        const b = await join(url, { user: bob });
        b.read(conversation, 999_999);
        const { changes } = await a.next(hasReceipt(bob, { read: 1 }));
        expect(changes).toEqual([{ kind: "receipt", conversation, user: bob, delivered: 3, read: 3 }]);
      });

      test("P28 O9 neither mark ever goes back", async () => {
        const { a, bob, conversation } = await pair(3);
        const b = await join(url, { user: bob });
        b.read(conversation, 2);
        await a.next(hasReceipt(bob, { read: 2 }));
        b.read(conversation, 1);
        b.read(conversation, 0);
        b.ack(b.welcome.cursor);
        await Bun.sleep(quietMs);
        b.read(conversation, 3);
        await a.next(hasReceipt(bob, { read: 3 }));
        expect(a.receipts().map(({ delivered, read }) => [delivered, read])).toEqual([
          [2, 2],
          [3, 3],
        ]);
      });

      test("P28 a read mark is the user's: it moves no device's cursor", async () => {
        const { a, bob, conversation } = await pair(2);
        const b = await join(url, { user: bob, device: "b1" });
        b.read(conversation, 2);
        await a.next(hasReceipt(bob, { read: 2 }));
        await b.close();
        expect(seqs(await join(url, { user: bob, device: "b1" }))).toEqual([1, 2]);
        expect(seqs(await join(url, { user: bob, device: "new" }))).toEqual([1, 2]);
      });

      test("P28 marks move only for messages of others", async () => {
        const { a, alice, bob, conversation } = await pair(3);
        a.read(conversation, 3);
        const other = await join(url, { user: alice, device: "a2" });
        other.ack();
        await Bun.sleep(quietMs);
        const b = await join(url, { user: bob });
        expect([...b.receipts(), ...other.receipts()]).toEqual([]);
        await b.sendOk({ to: alice }, "mine");
        b.read(conversation, 4);
        await a.next(hasReceipt(bob, { read: 3 }));
        expect(a.receipts().every(({ read, delivered }) => read === 3 && delivered === 3)).toBe(true);
      });

      test("P29 receipts go to all devices of both users, the reader's own too", async () => {
        const { a, alice, bob, conversation } = await pair(1);
        const everybody = [
          a,
          await join(url, { user: alice, device: "a2" }),
          await join(url, { user: bob, device: "b1" }),
          await join(url, { user: bob, device: "b2" }),
        ];
        const reader = await join(url, { user: bob, device: "b3" });
        reader.read(conversation, 1);
        for (const client of [...everybody, reader]) await client.next(hasReceipt(bob, { delivered: 1, read: 1 }));
        // A device that was away gets the newest state.
        const late = await join(url, { user: alice, device: "late", cursor: a.welcome.cursor });
        expect(late.receipts()).toEqual([{ kind: "receipt", conversation, user: bob, delivered: 1, read: 1 }]);
      });

      test("P29 many acks and reads in a short time become few receipts, with the last state at the end", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const b = await join(url, { user: bob });
        b.tap((frame) => {
          if (frame.type !== "changes") return;
          if (frame.changes.length > 0) b.ack(frame.cursor);
          for (const change of frame.changes) if (change.kind === "message") b.read(change.conversation, change.seq);
        });
        for (let i = 0; i < 60; i++) a.post({ to: bob }, `m${i}`);
        await a.next(hasReceipt(bob, { delivered: 60, read: 60 }));
        expect(a.receipts().length).toBeLessThan(20);
      });

      test("P30 an ack past the changes sent on this connection counts as an ack of the sent ones", async () => {
        const { alice, bob } = people();
        const known = await raw(server.port, wsPath({ user: bob, device: "slow" }));
        known.pause();
        const reader = await join(url, { user: bob, device: "fast" });
        const a = await join(url, { user: alice });
        const count = 600;
        for (let i = 0; i < count; i++) {
          a.post({ to: bob }, "x".repeat(16_000));
          if (i % 60 === 59) await a.when(() => a.unanswered().length === 0, deadline.bulkMs);
        }
        await reader.when(() => reader.messages().length === count, deadline.bulkMs);
        // The log holds twice what sockets and server may buffer, so the slow one has not been sent all of it.
        known.text(JSON.stringify({ type: "ack", cursor: reader.cursor() }));
        const { changes } = await a.next(hasReceipt(bob, { delivered: 1 }), deadline.bulkMs);
        const [receipt] = changes;
        if (receipt?.kind !== "receipt") throw new Error("No receipt");
        expect(receipt.delivered).toBeLessThan(count);
        known.end();
        await Bun.sleep(quietMs);
        const again = await connect(url, { user: bob, device: "slow" });
        await again.when(() => again.messages().length > 0);
        expect(again.messages()[0]?.seq).toBe(Math.max(0, ...a.receipts().map(({ delivered }) => delivered)) + 1);
        again.terminate();
      });

      test("P30 an ack of a foreign epoch is ignored", async () => {
        const { a, bob } = await pair(2);
        const b = await join(url, { user: bob, device: "b1" });
        b.ackForeign("0000000000000000.1");
        b.ackForeign("A".repeat(22));
        await b.settle();
        await Bun.sleep(quietMs);
        expect(a.receipts()).toEqual([]);
        await b.close();
        expect(seqs(await join(url, { user: bob, device: "b1" }))).toEqual([1, 2]);
      });

      test("O2 P30 a cursor of another user acks only the user's own messages", async () => {
        const { a, alice, bob } = await pair(2);
        const { carol } = people();
        const c = await join(url, { user: carol });
        await a.sendOk({ to: carol }, "to c");
        await c.next(hasText("to c"));
        const b = await join(url, { user: bob });
        b.ackForeign(c.cursor());
        await a.next(hasReceipt(bob, { delivered: 2 }));
        await Bun.sleep(quietMs);
        expect(a.receipts().every(({ user }) => user === bob)).toBe(true);
        expect(alice).not.toBe(carol);
      });
    });

    describeCore("typing and ping", () => {
      test("P31 typing reaches the other's devices by `to` and by `conversation`, and is not echoed", async () => {
        const { a, alice, bob, conversation } = await pair(1);
        const { carol } = people();
        const bobs = [await join(url, { user: bob, device: "b1" }), await join(url, { user: bob, device: "b2" })];
        const others = [await join(url, { user: carol }), await join(url, { user: alice, device: "a2" })];
        a.typing({ to: bob }, true);
        a.typing({ conversation }, false);
        for (const b of bobs) {
          expect(await b.next(isTyping)).toEqual({ type: "typing", conversation, user: alice, typing: true });
          expect(await b.next(isTyping)).toEqual({ type: "typing", conversation, user: alice, typing: false });
        }
        for (const other of [...others, a]) {
          await other.settle();
          expect(other.frames.some(isTyping)).toBe(false);
        }
      });

      test("P31 typing is never stored", async () => {
        const { a, bob } = await pair(1);
        a.typing({ to: bob });
        await a.settle();
        const b = await join(url, { user: bob });
        await b.settle();
        expect(b.frames.some(isTyping)).toBe(false);
      });

      test("P31 typing to a user without a conversation reaches no client", async () => {
        const { alice, bob } = people();
        const b = await join(url, { user: bob });
        const a = await join(url, { user: alice });
        a.typing({ to: bob });
        await a.settle();
        await b.settle();
        expect(b.frames.some(isTyping)).toBe(false);
        expect((await a.sendOk({ to: bob }, "first")).seq).toBe(1);
      });

      test("P31 T3 typing in a conversation of others is refused and reaches no client", async () => {
        const { bob, conversation } = await pair(1);
        const { carol } = people();
        const b = await join(url, { user: bob });
        const c = await join(url, { user: carol });
        c.expectError();
        c.typing({ conversation });
        expect((await c.next(isError)).code).toBe("not_found");
        await b.settle();
        expect(b.frames.some(isTyping)).toBe(false);
      });

      test("B6 B8 P31 watch is answered, a hidden user is offline, and changes follow", async () => {
        const { a, alice, bob } = await pair(1);
        const { carol } = people();
        const c = await join(url, { user: carol });
        a.watch([bob, carol, alice]);
        const states = [await a.next(isPresence), await a.next(isPresence), await a.next(isPresence)];
        expect(states).toEqual([
          { type: "presence", user: bob, state: "offline" },
          { type: "presence", user: carol, state: "offline" },
          { type: "presence", user: alice, state: "online" },
        ]);
        const b = await join(url, { user: bob });
        expect(await a.next(isPresence)).toEqual({ type: "presence", user: bob, state: "online" });
        await c.sendOk({ to: alice }, "now we know each other");
        expect(await a.next(isPresence)).toEqual({ type: "presence", user: carol, state: "online" });
        b.watch([alice]);
        expect(await b.next(isPresence)).toEqual({ type: "presence", user: alice, state: "online" });
      });

      test("P32 a ping is answered by a pong with its id", async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (const id of ["1", "x".repeat(128), "💥", '"\\']) {
          a.ping(id);
          expect(await a.next((frame): frame is Extract<Frame, { type: "pong" }> => frame.type === "pong")).toEqual({
            type: "pong",
            id,
          });
        }
      });
    });

    describeEdge("bad frames", () => {
      const id = "01900000-0000-7000-8000-000000000001";
      const send = (fields: string): string => `{"type":"send","id":"${id}","to":"somebody","text":"x"${fields}}`;
      const groups: Readonly<Record<string, readonly (string | Uint8Array<ArrayBuffer>)[]>> = {
        "no JSON": ["", " ", "{", "nonsense", '{"type":"ping"', "{'type':'ping'}", "undefined", "NaN"],
        "JSON but no object": ["null", "[]", '[{"type":"ping","id":"1"}]', '"ping"', "1", "true"],
        binary: [new TextEncoder().encode('{"type":"ping","id":"1"}'), new Uint8Array(0), new Uint8Array(1_000)],
        "of an unknown type": [
          ...["{}", '{"type":null}', '{"type":"Ping"}', '{"type":"welcome"}', '{"type":"constructor"}'],
          ...['{"type":"__proto__"}', '{"type":"toString"}', '{"type":["ping"]}', '{"id":"1"}'],
        ],
        "with a field that only the server may say": [
          ...[send(',"from":"mallory"'), send(',"tenant":"other"'), send(',"seq":1'), send(',"time":1')],
          ...[send(',"delivered":1'), send(',"user":"mallory"'), send(',"device":"d"'), send(',"n":1')],
        ],
        "with an unknown field": [
          ...['{"type":"ping","id":"1","x":1}', '{"type":"ack","cursor":"abcdefgh.1","device":"d"}'],
          ...[
            '{"type":"read","conversation":"c1","seq":1,"user":"x"}',
            '{"type":"typing","to":"x","typing":true,"user":"y"}',
          ],
          send(',"":1'),
        ],
        "of wrong types": [
          ...['{"type":"read","conversation":"c1","seq":"1"}', '{"type":"read","conversation":"c1","seq":1.5}'],
          ...['{"type":"read","conversation":"c1","seq":-1}', '{"type":"read","conversation":1,"seq":1}'],
          ...['{"type":"read","conversation":"c1","seq":1e400}', '{"type":"read","conversation":"c1"}'],
          ...['{"type":"typing","to":"x","typing":"yes"}', '{"type":"typing","typing":true}', '{"type":"ack"}'],
        ],
        "of wrong types in a send": [
          `{"type":"send","id":"${id}","to":"x","text":1}`,
          `{"type":"send","id":"${id}","to":["x"],"text":"x"}`,
          `{"type":"send","id":"${id}","text":"x"}`,
          `{"type":"send","id":"${id}","to":"x","conversation":"c1","text":"x"}`,
          `{"type":"send","id":"${id}","to":"x"}`,
          `{"type":"send","id":"{${id}}","to":"x","text":"x"}`,
          '{"type":"send","id":"1","to":"x","text":"x"}',
          '{"type":"send","to":"x","text":"x"}',
          `{"type":"send","id":"${id}","conversation":"${"x".repeat(65)}","text":"x"}`,
        ],
        "that tamper with prototypes": [
          ...['{"__proto__":{"type":"ping","id":"1"}}', '{"type":"ping","id":"1","__proto__":{"x":1}}'],
          ...['{"type":"ping","id":"1","constructor":{}}', '{"type":"ping","id":"1","prototype":1}'],
          ...['{"type":"ping","id":{"__proto__":"1"}}', send(',"__proto__":{"tenant":"other"}')],
          '{"type":"ack","cursor":"abcdefgh.1","__proto__":null}',
        ],
        "nested deeply": [
          "[".repeat(65_536),
          '{"a":'.repeat(10_000),
          `{"type":"ping","id":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
          `{"type":"ping","id":"1","x":${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}}`,
        ],
      };
      for (const [what, frames] of Object.entries(groups)) {
        test(`P33 ${what.includes("only the server") ? "T2 " : ""}frames ${what} get an error bad_frame, and the connection stays`, async () => {
          const { alice } = people();
          expect(frames.length).toBeLessThanOrEqual(10);
          const a = await join(url, { user: alice });
          for (const frame of frames) {
            a.raw(frame, "error");
            const answer = await a.next(isError).catch((cause: unknown) => {
              const shown = typeof frame === "string" ? frame.slice(0, 120) : `${frame.length} bytes`;
              throw new Error(`No error for ${shown}`, { cause });
            });
            expect(answer.code).toBe("bad_frame");
          }
          await a.settle();
          const { bob } = people();
          expect((await a.sendOk({ to: bob }, "still here")).seq).toBe(1);
        });
      }

      test("P33 well-formed sends that are rejected do not count, in any number", async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < 15; i++) {
          expect((await a.sendBad({ to: "a b" }, "nobody")).code).toBe("invalid_recipient");
          expect((await a.sendBad({ to: "bob" }, "x".repeat(16_385))).code).toBe("too_large");
          expect((await a.sendBad({ to: "bob" }, "")).code).toBe("bad_frame");
          expect((await a.sendBad({ conversation: unknownConversation }, "x")).code).toBe("not_found");
        }
        await a.settle();
      });

      test("P33 an ack with a cursor that no server can have made is a bad frame", async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (const cursor of ["nonsense", "abcdefgh.01", "-1", "x".repeat(128)]) {
          a.expectError();
          a.ackForeign(cursor);
          expect((await a.next(isError)).code).toBe("bad_frame");
        }
        await a.settle();
      });

      test("P33 an error does not repeat the sent values", async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (const frame of ['{"type":"CANARY"}', "CANARY", '{"type":"read","conversation":1,"seq":"CANARY"}']) {
          a.raw(frame, "error");
          expect((await a.next(isError)).message).not.toContain("CANARY");
        }
      });

      test("P34 ten in a minute are tolerated, the eleventh closes with 4400", async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < 10; i++) {
          a.raw("nonsense", "error");
          await a.next(isError);
        }
        await a.settle();
        a.raw("nonsense", "error");
        expect((await a.closed).code).toBe(4_400);
        await expectAlive();
      });

      test("P34 a flood of bad frames closes with 4400, and the server goes on", async () => {
        const { alice } = people();
        const a = await connectRaw(server.port, `${server.base}${wsPath({ user: alice })}`);
        for (let i = 0; i < 10_000; i++) a.text("nonsense");
        await a.ended;
        expect([4_400, ...resetCodes]).toContain(a.closed()?.code);
        await expectAlive();
      });

      test("P35 a frame of 65 536 bytes is accepted", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        const frame = `{"type":"send","id":"${id}","to":"${bob}","text":"just fits"}`;
        a.raw(frame + " ".repeat(65_536 - frame.length), { id });
        await a.when(() => a.frames.some((one) => one.type === "accepted"));
      });

      for (const [what, write] of [
        ["one frame of 65 537 bytes", (client: RawClient) => void client.text("x".repeat(65_537))],
        [
          "one binary frame of 65 537 bytes",
          (client: RawClient) => void client.frame(opcode.binary, Buffer.alloc(65_537)),
        ],
        ["one frame of 4 MiB", (client: RawClient) => void client.text("x".repeat(4_194_304))],
        [
          "the announcement of 2^62 bytes",
          (client: RawClient) =>
            void client.bytes(Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6])),
        ],
        [
          "fragments of 70 000 bytes together",
          (client: RawClient) => {
            client.frame(opcode.text, Buffer.alloc(35_000, 120), { isFinal: false });
            client.frame(opcode.continuation, Buffer.alloc(35_000, 120));
          },
        ],
      ] as const) {
        test(`P35 ${what} closes with 1009, and the server lives`, async () => {
          const { alice } = people();
          const client = await raw(server.port, wsPath({ user: alice }));
          write(client);
          await client.ended;
          expect([1_009, ...resetCodes]).toContain(client.closed()?.code);
          await expectAlive();
        });
      }

      for (const [what, bytes] of [
        ["text that is no UTF-8", [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
        ["a frame without a mask", [0x81, 0x02, 0x7b, 0x7d]],
        ["a reserved opcode", [0x83, 0x80, 0, 0, 0, 0]],
        ["reserved bits", [0xf1, 0x80, 0, 0, 0, 0]],
        ["a ping of 126 bytes", [0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...Buffer.alloc(126)]],
        ["bytes that are no frame", [...Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(50))]],
      ] as const) {
        test(`R1 ${what} closes only its sender's connection`, async () => {
          const { alice } = people();
          const client = await raw(server.port, wsPath({ user: alice }));
          client.bytes(Buffer.from(bytes));
          await Promise.race([client.gone, Bun.sleep(300)]);
          await expectAlive();
        });
      }
    });

    describe("many frames at once", () => {
      /** All answered in order, or closed as too much: the contract allows both. */
      async function expectAnsweredOrClosed(a: Client): Promise<void> {
        const isDone = await Promise.race([
          a
            .when(() => a.unanswered().length === 0, deadline.bulkMs)
            .then(
              () => true,
              () => a.isOpen(),
            ),
          a.closed.then(() => false),
        ]);
        if (isDone) expect(a.unanswered().length).toBe(0);
        else expect([4_429, 4_400, ...resetCodes]).toContain((await a.closed).code);
      }

      test(`P36 ${framesAtOnce} pings at once are answered in order`, async () => {
        const { alice } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < framesAtOnce; i++) a.ping(String(i));
        await expectAnsweredOrClosed(a);
        await expectAlive();
      });

      test(`P36 ${framesAtOnce} sends at once, far beyond the window, are answered in order and none is lost`, async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < framesAtOnce; i++) a.post({ to: bob }, `m${i}`);
        await expectAnsweredOrClosed(a);
        const accepted = a.frames.filter((frame) => frame.type === "accepted");
        const b = await join(url, { user: bob });
        await b.when(() => b.messages().length >= accepted.length, deadline.bulkMs);
        expect(seqs(b)).toEqual(upTo(b.messages().length));
        const texts = b.messages().map(({ text }) => text);
        expect(texts).toEqual(upTo(texts.length).map((i) => `m${i - 1}`));
        await expectAlive();
      });

      test("P36 large sends beyond the window are answered in order too", async () => {
        const { alice, bob } = people();
        const a = await join(url, { user: alice });
        for (let i = 0; i < 400; i++) a.post({ to: bob }, `${i} ${"x".repeat(16_000)}`);
        await expectAnsweredOrClosed(a);
        await expectAlive();
      });
    });

    describe("closing", () => {
      const testEdgeBeside = testBeside(traits.skipsEdge);
      const heartbeatMs = 300;
      const env = { HEARTBEAT_MS: String(heartbeatMs) };

      const secret = "a secret of thirty-two bytes, or more";
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const token = (claims: object): string => {
        const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
        return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
      };

      // Long enough that the clients are not late on a busy machine.
      const longMs = 4 * heartbeatMs;
      const envOfTokens = { AUTH: "jwt", JWT_SECRET: secret, HEARTBEAT_MS: String(longMs) };

      testBeside(!traits.hidesPongs)(
        "P37 G2 where pongs are hidden, who has sent a ping frame is closed with 4408",
        async ({ raw }) => {
          const one = await startShared(env);
          const client = await raw(one.port, "/ws?user=silent", { doesPong: true });
          client.text('{"type":"ping","id":"1"}');
          await client.ended;
          expect(client.closed()?.code).toBe(4_408);
        },
      );

      const testPongs = testBeside(traits.hidesPongs || traits.skipsEdge);
      // test/hub/hub.test.ts and test/connection/heartbeat.test.ts check the times with fake clocks.
      testPongs("P37 R4 a peer that never pongs is closed with 4408 after two heartbeats", async ({ raw }) => {
        const one = await startShared(env);
        const at = performance.now();
        const client = await raw(one.port, "/ws?user=silent");
        await client.ended;
        const ms = performance.now() - at;
        expect(client.closed()?.code).toBe(4_408);
        expect(ms).toBeGreaterThan(2 * heartbeatMs - 50);
      });

      testEdgeBeside("P37 a peer that pongs stays, and so does one that only sends frames", async ({ raw }) => {
        const one = await startShared(envOfTokens);
        const headersOf = (sub: string) => ({
          Authorization: `Bearer ${token({ sub, exp: Date.now() / 1_000 + 600 })}`,
        });
        const ponging = await raw(one.port, "/ws", { doesPong: true, headers: headersOf("ponging") });
        const talking = await raw(one.port, "/ws", { headers: headersOf("talking") });
        expect([ponging.answer.status, talking.answer.status]).toEqual([101, 101]);
        const timer = setInterval(() => talking.text('{"type":"ping","id":"1"}'), longMs / 6);
        await Bun.sleep(4.5 * longMs);
        clearInterval(timer);
        expect([ponging.closed(), talking.closed()]).toEqual([null, null]);
        if (traits.hidesPongs) return;
        expect(ponging.frames.filter((frame) => frame.opcode === opcode.ping).length).toBeGreaterThanOrEqual(2);
      });

      testPongs(
        "P37 R4 a frame that drips in does not count as life, nor does what the server sends",
        async ({ raw }) => {
          const one = await startShared(env);
          const client = await raw(one.port, "/ws?user=dripping");
          // A frame of 60 000 bytes, sent one byte at a time.
          client.bytes(Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]));
          const timer = setInterval(() => client.bytes(Buffer.from([0x20])), 50);
          const a = await raw(one.port, "/ws?user=alice", { doesPong: true });
          const send = (): void =>
            void a.text(JSON.stringify({ type: "send", id: randomUUID(), to: "dripping", text: "news" }));
          const news = setInterval(send, 50);
          await Promise.race([client.ended, Bun.sleep(deadline.answerMs)]);
          clearInterval(timer);
          clearInterval(news);
          expect(client.closed()?.code).toBe(4_408);
        },
      );

      testEdgeBeside("P38 the socket of a session that expires is closed with 4401", async ({ raw }) => {
        const one = await startShared(envOfTokens);
        /** A socket to the end of its session; `accepted` counts the answers to a message of it. */
        const live = async (forS: number) => {
          const exp = Math.floor(Date.now() / 1_000) + forS;
          const headers = { Authorization: `Bearer ${token({ sub: "alice", exp })}` };
          const a = await raw(one.port, "/ws", { headers, doesPong: true });
          if (a.answer.status !== 101) return { exp, headers, accepted: 0 };
          a.text(JSON.stringify({ type: "send", id: randomUUID(), to: "bob", text: "in time" }));
          await a.ended;
          const frames = a.frames.filter((frame) => frame.opcode === opcode.text).map(({ payload }) => String(payload));
          const accepted = frames.filter((text) => text.includes('"accepted"')).length;
          return { exp, headers, accepted, endedAt: Date.now(), code: a.closed()?.code };
        };
        // A session that a busy machine lets expire before the message is answered is tried again with more time.
        let lived = await live(3);
        for (const forS of [10, 40]) if (lived.accepted === 0) lived = await live(forS);
        const { exp, headers, accepted, endedAt = 0, code } = lived;
        expect(accepted).toBe(1);
        expect(endedAt - exp * 1_000).toBeGreaterThan(-50);
        expect(code).toBe(4_401);
        await expectProblem(await raw(one.port, "/ws?user=alice"), 401, "unauthenticated");
        await expectProblem(await raw(one.port, "/ws", { headers }), 401, "unauthenticated");
      });

      test("P53 a new token on the open socket moves the end of its session", async () => {
        const one = await startShared(envOfTokens);
        const exp = Math.floor(Date.now() / 1_000) + 600;
        const headers = { Authorization: `Bearer ${token({ sub: "alice", exp })}` };
        const a = await join(one.url, { user: "alice", isDemo: false, headers });
        const bring = (claims: object, answer: "authenticated" | "error") =>
          a.raw(JSON.stringify({ type: "authenticate", token: token(claims) }), answer);
        bring({ sub: "bob", exp: exp + 600 }, "error");
        bring({ sub: "alice", exp: exp - 1_200 }, "error");
        bring({ sub: "alice", exp: exp + 600 }, "authenticated");
        expect((await a.sendOk({ to: "carol" }, "still here")).seq).toBe(1);
        const answers = a.frames.filter(({ type }) => type === "error" || type === "authenticated");
        expect(answers).toMatchObject([
          { code: "forbidden" },
          { code: "unauthenticated" },
          { type: "authenticated", expiresAt: (exp + 600) * 1_000 },
        ]);
      });

      test("P39 R5 on SIGTERM sockets close with 1012, the process ends with 0, and nothing accepted is lost", async () => {
        const { bob } = people();
        const one = await startEndable();
        const senders = await Promise.all([1, 2, 3].map((i) => join(one.url, { user: `alice${i}` })));
        const counts = new Map<string, number>();
        const push = (client: Client): void => {
          const i = counts.get(client.user) ?? 0;
          counts.set(client.user, i + 1);
          if (client.isOpen()) client.post({ to: bob }, `m${i}`);
        };
        for (const client of senders) {
          client.tap((frame) => {
            if (frame.type === "accepted") push(client);
          });
          for (let i = 0; i < 32; i++) push(client);
        }
        const accepted = (client: Client): number => client.frames.filter((frame) => frame.type === "accepted").length;
        for (const client of senders) await client.when(() => accepted(client) > 32);
        // The server exits with 1 when its own ten seconds are over.
        expect(await one.stop("SIGTERM")).toBe(0);
        for (const client of senders) expect([1_012, ...resetCodes]).toContain((await client.closed).code);

        const two = await startAgain();
        const b = await join(two.url, { user: bob });
        await b.when(() => b.frames.findLast(isChanges)?.more === false);
        for (const client of senders) {
          const got = b.messages().filter(({ from }) => from === client.user);
          const accepted = client.frames.filter((frame) => frame.type === "accepted");
          expect(accepted.length).toBeGreaterThan(10);
          const place = new Map(got.map(({ id, seq }) => [id, seq]));
          expect(accepted.filter(({ id, seq }) => place.get(id) !== seq)).toEqual([]);
          // Unanswered ones may be there too, but in order and once.
          expect(got.map(({ text }) => text)).toEqual(got.map((_, i) => `m${i}`));
        }
      });

      testEdge("P39 R5 a SIGTERM right after the server said that it serves is a shutdown too", async () => {
        const startAndStop = async (): Promise<number | null> => await (await startOwn()).stop("SIGTERM");
        // Two at a time, so that one is late in some of its steps.
        expect(await Promise.all([startAndStop(), startAndStop()])).toEqual([0, 0]);
      });

      testEdgeBeside("P39 while it shuts down, new connections get 503 with Retry-After", async ({ raw, startOwn }) => {
        const one = await startOwn();
        // Sockets close in waves: these keep the shutdown going for a moment.
        const users = upTo(6).map((i) => `user${i}`);
        for (const user of users) await Promise.all(upTo(100).map(() => raw(one.port, wsPath({ user }))));
        one.signal("SIGTERM");
        let isOver = false;
        void one.exited.then(() => (isOver = true));
        const attempts: Promise<RawClient | null>[] = [];
        while (!isOver) {
          attempts.push(raw(one.port, "/ws?user=late").catch(() => null));
          // Some runtimes take three seconds, others a sixth of one.
          await Bun.sleep(attempts.length < 50 ? 2 : 20);
        }
        expect(await one.exited).toBe(0);
        const answered = (await Promise.all(attempts)).filter((client) => client !== null);
        const refused = answered.filter(({ answer }) => answer.status !== 101);
        expect(refused.length).toBeGreaterThan(0);
        for (const client of refused) {
          await expectProblem(client, 503, "unavailable");
          expect(Number(client.answer.headers.get("retry-after"))).toBeGreaterThan(0);
        }
      });
    });
  });
}
