import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine, Row } from "../../src/store/engine/engine.ts";
import { newest } from "../../src/store/read/history.ts";
import type { Commit, Store } from "../../src/store/store.ts";
import { accepted, append, marksCommitted, newId, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };

/** What every store must hold to about the conversation of a user with themselves. `open` gives an empty database. */
export function describeSelf(name: string, open: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    const commits: Commit[] = [];
    let tenants = 0;
    const newTenant = (): string => `self${tenants++}`;
    const me = "this node";

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine, { limits: { ackMessagesMax: 20 } }));
      store.onCommit((commit) => commits.push(commit));
      expect(await store.push.take(me, await store.push.worker())).toBe(0);
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    const select = async (sql: string, conversation: string): Promise<Row[]> =>
      (await place.engine.read([{ sql, args: [Number.parseInt(conversation.slice(1), 36)] }]))[0] ?? [];
    const note = (tenant: string, text = "note") => accepted(store, { tenant, from: "alice", to: "alice", text });
    const ack = (tenant: string, n: number): Promise<boolean> =>
      new Promise((resolve) => store.ack(person("alice", tenant), "phone", n, resolve));
    const listOf = async (tenant: string) =>
      (await store.conversations(person("alice", tenant), { below: newest, limit: 9 })).conversations;

    test("P90 S1 S2 it has one member and dense seqs, a retry by either target gets the first answer, and one entry tells of a message", async () => {
      const tenant = newTenant();
      const id = newId();
      const first = await accepted(store, { tenant, from: "alice", to: "alice", id, text: "note" });
      const { conversation } = first;
      for (const target of [{ to: "alice" }, { conversation }])
        expect(await append(store, { tenant, from: "alice", id, text: "note", ...target })).toEqual({
          ...first,
          duplicate: true,
        });
      expect(await append(store, { tenant, from: "alice", id, text: "other", to: "alice" })).toMatchObject({
        code: "conflict",
      });
      expect(await accepted(store, { tenant, from: "alice", conversation })).toMatchObject({ seq: 2, conversation });
      expect(await append(store, { tenant, from: "bob", conversation })).toMatchObject({ code: "not_found" });
      expect(await store.members(tenant, conversation)).toEqual(["alice"]);
      expect(await store.direct(tenant, "alice", "alice")).toBe(conversation);
      expect(await store.direct(tenant, "bob", "bob")).toBeNull();
      const entries = commits.flatMap((commit) => commit.entries).filter((entry) => entry.tenant === tenant);
      expect(entries.map(({ users }) => users)).toEqual([["alice"], ["alice"]]);
      const { entries: read } = await store.log(first.n - 1, 9);
      expect(read.filter((entry) => entry.tenant === tenant).map(({ users }) => users)).toEqual([["alice"], ["alice"]]);
      const { changes } = await readAll(store, person("alice", tenant));
      expect(changes).toMatchObject([
        { kind: "message", seq: 1, from: "alice", to: "alice" },
        { kind: "message", seq: 2, from: "alice", to: "alice" },
      ]);
    });

    test("P90 S30 no message in it is one of another user, also where one commit has answers between two others", async () => {
      const tenant = newTenant();
      const sends = ["alice bob", "alice alice", "bob alice", "alice alice", "bob bob", "alice bob", "alice alice"];
      for (let round = 0; round < 3; round++)
        await Promise.all(
          sends.map((pair) => {
            const [from = "", to = ""] = pair.split(" ");
            return accepted(store, { tenant, from, to });
          }),
        );
      const conversation = (await store.direct(tenant, "alice", "alice")) ?? "";
      const rows = await select(
        "SELECT seq, other_seq FROM tidings_message WHERE conversation = ?1 ORDER BY n",
        conversation,
      );
      expect(rows.map((row) => [row["seq"] ?? null, row["other_seq"] ?? null])).toEqual(
        Array.from({ length: 9 }, (_, i) => [i + 1, 0]),
      );
      const [row] = await select(
        "SELECT seq, low_seq, high_seq FROM tidings_conversation WHERE key = ?1",
        conversation,
      );
      expect(row).toEqual({ seq: 9, low_seq: 9, high_seq: 0 } as Row);
      const members = await select("SELECT user, peer FROM tidings_member WHERE conversation = ?1", conversation);
      expect(members.map((member) => member["user"] === member["peer"])).toEqual([true]);
    });

    test("P90 Q8 it is in the list once, with nothing unread, and in history once", async () => {
      const tenant = newTenant();
      for (let i = 0; i < 3; i++) {
        await note(tenant, `note ${i}`);
        await accepted(store, { tenant, from: "bob", to: "alice" });
      }
      const { conversation } = await note(tenant, "note 3");
      const marks = { unread: 0, delivered: 0, read: 0, peer: { delivered: 0, read: 0 } };
      const own = { id: conversation, with: "alice", ...marks };
      expect(await listOf(tenant)).toMatchObject([own, { with: "bob", unread: 3 }]);
      for (const which of [{ conversation }, { with: "alice" }])
        expect((await store.conversation(person("alice", tenant), which)).conversations).toMatchObject([own]);
      const textsOf = async (query: object) =>
        (await store.history(person("alice", tenant), { limit: 50, order: { down: newest }, ...query }))?.messages.map(
          ({ text }) => text,
        );
      const notes = ["note 0", "note 1", "note 2", "note 3"];
      expect(await textsOf({ with: "alice" })).toEqual(notes);
      expect(await textsOf({ conversation, order: { up: 0 } })).toEqual(notes);
      expect((await textsOf({}))?.length).toBe(7);
      expect(await textsOf({ from: "alice" })).toEqual(notes);
    });

    test("P90 S5 P27 acks and reads move no mark in it, whichever way they are looked up, and it is never undelivered", async () => {
      const tenant = newTenant();
      await store.openDevice(person("alice", tenant), "phone");
      const first = await note(tenant);
      const { conversation } = first;
      const head = async () => (await store.head()).n;
      const undelivered = async () =>
        await store.history(person("alice", tenant), { limit: 50, order: { up: 0 }, undelivered: "phone" });
      expect(await undelivered()).toMatchObject({ messages: [] });
      await ack(tenant, first.n);
      store.read(person("alice", tenant), conversation, 1);
      await marksCommitted(store);
      expect(await head()).toBe(first.n);
      // Long ranges of the log are looked up by the conversations, and those of users with many of these in one walk for all.
      const peers = Array.from({ length: 220 }, (_, i) => `peer${i}`);
      for (const count of [3, 60, 220]) {
        await note(tenant, `before ${count}`);
        const others = tenant + count;
        const sent = await Promise.all(
          Array.from({ length: 900 }, (_, i) =>
            accepted(store, { tenant: others, from: `a${i % 9}`, to: `b${i % 7}` }),
          ),
        );
        await Promise.all(peers.slice(0, count).map((from) => accepted(store, { tenant, from, to: "alice" })));
        const { n } = await note(tenant, `${count}`);
        expect(n).toBeGreaterThan(sent.length);
        await ack(tenant, n);
      }
      store.read(person("alice", tenant), conversation, 9);
      await marksCommitted(store);
      expect(await undelivered()).toMatchObject({ messages: [] });
      const { changes } = await readAll(store, person("alice", tenant));
      const receipts = changes.flatMap((change) => (change.kind === "receipt" ? [change.conversation] : []));
      expect([receipts.length, receipts.includes(conversation)]).toEqual([220, false]);
      expect((await listOf(tenant))[0]).toMatchObject({ id: conversation, unread: 0, delivered: 0, read: 0 });
    });

    test("P90 a receipt of it that a node of an older release has stored is one entry, for each device once", async () => {
      const tenant = newTenant();
      const { n, conversation } = await note(tenant);
      const key = Number.parseInt(conversation.slice(1), 36);
      await place.engine.write([
        {
          sql: "UPDATE tidings_member SET delivered = 1, read = 1, n = ?2 WHERE conversation = ?1",
          args: [key, n + 1],
        },
        { sql: "UPDATE tidings_head SET n = ?1", args: [n + 1] },
      ]);
      const { changes } = await readAll(store, person("alice", tenant));
      expect(changes.map(({ kind }) => kind)).toEqual(["message", "receipt"]);
      const { entries } = await store.log(n, 9);
      expect(entries.map(({ users }) => users)).toEqual([["alice"]]);
      expect((await listOf(tenant))[0]).toMatchObject({ unread: 0 });
    });

    test("U80 a message to oneself makes no notice, no badge and nothing to explain, and hides none of another user", async () => {
      const tenant = newTenant();
      const alice = person("alice", tenant);
      const address = { provider: "self", token: tenant, hash: tenant, isTenantsOwn: false };
      await store.devices.putDevice(alice, "phone", { address, now: 1 });
      const id = newId();
      const { n } = await accepted(store, { tenant, from: "alice", to: "alice", id });
      const recipients = async (after: number, upTo: number) =>
        (await store.push.pendingBetween(after, upTo)).recipients;
      expect(await recipients(n - 1, n)).toEqual([]);
      const [undecided] = await store.push.undecided([alice]);
      expect(undecided).toMatchObject({ n: null, count: 0 });
      const enqueue = (upTo: number) => store.push.enqueue(me, [{ address: undecided?.address ?? 0, upTo }]);
      await enqueue(n);
      const due = async () => (await store.push.due("self", 1_000_000, 100)).filter((one) => one.tenant === tenant);
      expect([await due(), await store.push.badges([alice], 1)]).toEqual([[], [0]]);
      expect((await store.push.explained(alice, id)).messages).toEqual([]);
      const other = await accepted(store, { tenant, from: "bob", to: "alice" });
      const last = await note(tenant);
      expect(await recipients(n, last.n)).toEqual([{ tenant, user: "alice", n: other.n }]);
      await enqueue(last.n);
      expect([(await due()).map((one) => one.n), await store.push.badges([alice], 1)]).toEqual([[other.n], [1]]);
    });
  });
}
