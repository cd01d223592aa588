import { type Scope, type Storage, type Vault, VaultError, type Write } from "../../../src/client/vault/contract.ts";
import type { ConversationPatch } from "../../../src/client/vault/merge.ts";
import type { MessageRow, OutboxRow } from "../../../src/client/vault/rows.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { randomWrites, readAll } from "./random-writes.ts";

/**
 * The needs of a case. The suite runs in a browser too, so it brings its own `equal` and knows no test runner. `storage()` is another tab on the same
 * disk; `scope` is one that no other case has.
 */
export type Bench = { storage(): Storage; readonly scope: Scope; readonly kind: Vault["kind"] };
export type Case = (bench: Bench) => Promise<void>;

/** Texts of plain data, whatever the order of their fields. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part instanceof Map
      ? [...part]
      : typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
  );

export function equal(found: unknown, wanted: unknown): void {
  if (textOf(found) !== textOf(wanted)) throw new Error(`Found ${textOf(found)}, wanted ${textOf(wanted)}`);
}

export const message = (conversation: string, seq: number, more: Partial<MessageRow> = {}): MessageRow => ({
  conversation,
  seq,
  id: `${conversation}-${seq}`,
  from: `bob-${conversation}`,
  to: "me",
  text: `text ${seq}`,
  time: seq,
  ...more,
});

/** The news of messages, with the messages. */
export const arrival = (
  ...messages: readonly MessageRow[]
): Write & { readonly conversations: readonly ConversationPatch[] } => ({
  messages,
  conversations: messages.map((one) => ({ kind: "message", message: one, self: "me" })),
});

export const row = (id: string, more: Partial<OutboxRow> = {}): OutboxRow => ({
  id,
  kind: "send",
  target: { with: "bob" },
  text: `send ${id}`,
  time: 1,
  isTried: false,
  ...more,
});

let devices = 0;
const makeDevice = (): string => `device-${++devices}`;
const open = (bench: Bench): Promise<Vault> => bench.storage().open(bench.scope, makeDevice);
const faultOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (error: unknown) => (error instanceof VaultError ? error.fault : String(error)),
  );

/** Calls `test` with each case of the contract. */
export function vaultCases(test: (name: string, run: Case) => void): void {
  test("J54 a device is made once for a scope, however many tabs open it at once", async (bench) => {
    const vaults = await Promise.all([open(bench), open(bench), open(bench)]);
    const boots = await Promise.all(vaults.map((vault) => vault.boot(10)));
    const [first] = boots;
    equal(
      boots.map(({ meta }) => meta.device),
      boots.map(() => first?.meta.device),
    );
    equal(first, {
      meta: { device: first?.meta.device, cursor: null, level: 0, identity: null },
      outbox: [],
      wishes: [],
      conversations: [],
    });
    equal(
      vaults.map(({ kind }) => kind),
      vaults.map(() => bench.kind),
    );
    const again = await open(bench);
    equal((await again.boot(0)).meta.device, first?.meta.device);
  });

  test("J55 everything of a write is there after it, and text is kept to the last character", async (bench) => {
    const vault = await open(bench);
    const text = "a\0b \ud800 \u{1f600} 'x' \"y\" \\u0000 \u2028";
    const one = message("c1", 1, { text });
    const written = await vault.write(
      {
        ...arrival(one),
        cursor: { from: null, to: "k1", level: 1 },
        identity: { tenant: "t", user: "me" },
        relations: [
          { user: "zoe", contact: true, blocked: false },
          { user: "amy", contact: false, blocked: true },
        ],
        outbox: [
          { do: "add", row: row("2", { text }) },
          { do: "add", row: row("1") },
        ],
        drafts: [["with bob", text]],
        wishes: [{ key: "mute c1", kind: "mute", conversation: "c1", muted: true }],
      },
      "strict",
    );
    equal(written.cursorMoved, true);
    equal([...written.outbox.keys()], ["2", "1"]);
    const other = await open(bench);
    const boot = await other.boot(5);
    equal(boot.meta, { device: boot.meta.device, cursor: "k1", level: 1, identity: { tenant: "t", user: "me" } });
    equal(boot.outbox, [row("1"), row("2", { text })]);
    equal((await other.boot(0)).outbox, boot.outbox);
    equal(
      boot.wishes.map(({ key }) => key),
      ["mute c1"],
    );
    equal(boot.conversations, written.conversations);
    equal(
      boot.conversations.map(({ id, unread, isExact, ranges }) => [id, unread, isExact, ranges]),
      [["c1", 1, true, [[1, 1]]]],
    );
    equal(await other.messages({ conversation: "c1", first: 1, last: 9 }), [one]);
    equal(
      (await other.relations()).map(({ user }) => user),
      ["amy", "zoe"],
    );
    equal([await other.draft("with bob"), await other.draft("with eve")], [text, null]);
  });

  test("J55 any writes and reads give what memory gives", async (bench) => {
    for (const seed of [1, 2, 3]) {
      const scope = { ...bench.scope, tenant: `${bench.scope.tenant}-${seed}` };
      const [vault, model] = await Promise.all(
        [bench.storage(), memory()].map((one) => one.open(scope, () => "device")),
      );
      if (vault === undefined || model === undefined) throw new Error("Two vaults were opened");
      for (const step of randomWrites(seed, 60)) {
        if (step.do === "evict") equal(await vault.evict(step.messages), await model.evict(step.messages));
        else equal(await vault.write(step.write, "relaxed"), await model.write(step.write, "relaxed"));
      }
      equal(await readAll(vault), await readAll(model));
    }
  });

  test("J56 a cursor moves only from the one that is stored, and a reset always moves it", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    const move = async (vault: Vault, from: string | null, to: string, more: Write = {}) =>
      (await vault.write({ ...more, cursor: { from, to, level: 1 } }, "relaxed")).cursorMoved;
    equal(await move(a, null, "k1"), true);
    equal(await move(b, null, "k2", arrival(message("c1", 1))), false);
    equal((await a.boot(1)).meta.cursor, "k1");
    equal((await a.boot(1)).conversations.length, 1);
    equal(await move(b, null, "k1"), true);
    equal(await move(b, "k1", "k3"), true);
    equal(await move(a, "k1", "k2"), false);
    equal(await move(a, "k1", "r1", { reset: true }), true);
    equal((await b.boot(1)).meta.cursor, "r1");
    equal((await b.write({}, "relaxed")).cursorMoved, false);
  });

  test("J56 a write answers with the stored cursor, so that a tab whose own did not move can go on from there", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    const move = async (vault: Vault, from: string | null, to: string): Promise<string | null> =>
      (await vault.write({ cursor: { from, to, level: 1 } }, "relaxed")).cursor;
    equal([await move(a, null, "a1"), await move(b, null, "b1")], ["a1", "a1"]);
    equal([await move(b, "a1", "b1"), (await a.write({}, "relaxed")).cursor], ["b1", "b1"]);
  });

  test("J94 rows of an ended history are left out, and a reset without a cursor takes place only where none is stored", async (bench) => {
    const vault = await open(bench);
    const held = async () => (await vault.boot(9)).conversations.map(({ id }) => id);
    const write = async (change: Write) => {
      const { isReset, isOutdated, resets, conversations } = await vault.write(change, "relaxed");
      return [isReset, isOutdated, resets, conversations.length];
    };
    equal(await write({ ...arrival(message("c1", 1)), resets: 0 }), [false, false, 0, 1]);
    equal(await write({ reset: true, resets: 0 }), [true, false, 1, 0]);
    equal(await held(), []);
    const late: Write = {
      ...{ ...arrival(message("c2", 1)), cursor: { from: null, to: "k1", level: 1 }, reset: true, resets: 0 },
      relations: [{ user: "amy", contact: true, blocked: false }],
      outbox: [{ do: "add", row: row("1") }],
    };
    equal(await write(late), [false, true, 1, 0]);
    const boot = await vault.boot(9);
    equal([await held(), await vault.relations(), boot.meta.cursor, boot.outbox.length], [[], [], null, 1]);
    equal(await write({ ...late, resets: 1 }), [true, false, 2, 1]);
    equal(await write({ reset: true, resets: 2 }), [false, false, 2, 0]);
    equal(await held(), ["c2"]);
  });

  test("J97 relations that pages told take no place that a change has, and each write answers how they are", async (bench) => {
    const [one, other] = [await open(bench), await open(bench)];
    const [unblocked, blocked] = [false, true].map((isBlocked) => ({
      user: "amy",
      contact: false,
      blocked: isBlocked,
    }));
    const zoe = { user: "zoe", contact: true, blocked: false };
    if (unblocked === undefined || blocked === undefined) return;
    await other.write({ relations: [unblocked] }, "relaxed");
    equal((await one.write({ listed: [blocked, zoe] }, "relaxed")).relations, [unblocked, zoe]);
    equal(await other.relations(), [unblocked, zoe]);
    equal((await one.write({ relations: [blocked] }, "relaxed")).relations, [blocked]);
    equal(await other.relations(), [blocked, zoe]);
    const reset = { reset: true, cursor: { from: null, to: "k1", level: 1 } } as const;
    await one.write({ ...reset, listed: [unblocked] }, "relaxed");
    equal(await one.relations(), [unblocked]);
  });

  test("J94 rows of another history than those that are here are left out, but for what comes with a later cursor than the first", async (bench) => {
    const vault = await open(bench);
    const history = async () => (await vault.boot(9)).meta.history ?? null;
    const write = async (change: Write) => {
      const { isReset, isOutdated, cursor, conversations } = await vault.write(change, "relaxed");
      return [isReset, isOutdated, cursor, conversations.length];
    };
    equal([await write(arrival(message("c1", 1))), await history()], [[false, false, null, 1], null]);
    equal(
      [await write({ ...arrival(message("c1", 2)), history: "h1" }), await history()],
      [[false, false, null, 1], "h1"],
    );
    const first: Write = { ...arrival(message("c2", 1)), cursor: { from: null, to: "k1", level: 1 } };
    equal([await write({ ...first, history: "h2" }), await history()], [[false, true, null, 0], "h1"]);
    equal([await write({ reset: true }), await history()], [[true, false, null, 0], null]);
    equal(
      [await write({ ...arrival(message("c3", 1)), history: "h2" }), await history()],
      [[false, false, null, 1], "h2"],
    );
    equal([await write({ ...first, history: "h2" }), await history()], [[false, false, "k1", 1], "h2"]);
    // A page that was asked for before the first cursor, and comes late.
    equal(await write({ ...arrival(message("c4", 1)), history: "h1" }), [false, true, "k1", 0]);
    equal(await write({ ...arrival(message("c4", 1)), history: "h2" }), [false, false, "k1", 1]);
    const next: Write = { ...arrival(message("c2", 2)), cursor: { from: "k1", to: "k2", level: 1 }, history: "h3" };
    equal([await write({ reset: true, ...next }), await history()], [[true, false, "k2", 1], "h3"]);
    equal(
      [await write({ cursor: { from: "k2", to: "k3", level: 1 } }), await history()],
      [[false, false, "k3", 0], "h3"],
    );
  });

  test("J56 a relation whose cursor does not move takes no place that another tab's has, and is there once the cursor moves", async (bench) => {
    const [one, other] = [await open(bench), await open(bench)];
    const [was, is] = [true, false].map((blocked) => ({ user: "amy", contact: false, blocked }));
    const zoe = { user: "zoe", contact: true, blocked: false };
    if (was === undefined || is === undefined) return;
    const move = (from: string | null, to: string): Write => ({ cursor: { from, to, level: 1 } });
    await one.write({ ...move(null, "k1"), relations: [was] }, "relaxed");
    await one.write({ ...move("k1", "k2"), relations: [is] }, "relaxed");
    // It is behind, and dies before it gets the next one.
    const late: Write = { ...move(null, "l1"), relations: [was, zoe] };
    equal((await other.write(late, "relaxed")).relations, [was, zoe]);
    equal([await one.relations(), (await one.boot(0)).meta.cursor], [[is, zoe], "k2"]);
    await other.write({ ...move("k2", "l1"), relations: [was] }, "relaxed");
    equal(await one.relations(), [was, zoe]);
  });

  test("J57 a reset drops messages, conversations and relations, and keeps the outbox, drafts, wishes and the device", async (bench) => {
    const vault = await open(bench);
    await vault.write(
      {
        ...arrival(message("c1", 1), message("c2", 1)),
        relations: [{ user: "amy", contact: true, blocked: false }],
        outbox: [{ do: "add", row: row("1") }],
        drafts: [["d", "text"]],
        wishes: [{ key: "block amy", kind: "block", user: "amy", is: true }],
      },
      "relaxed",
    );
    const before = await vault.boot(9);
    const { conversations } = await vault.write(
      { reset: true, cursor: { from: "any", to: "r1", level: 1 }, ...arrival(message("c2", 4)) },
      "relaxed",
    );
    equal(
      conversations.map(({ id, counted, ranges }) => [id, counted, ranges]),
      [["c2", 4, [[4, 4]]]],
    );
    const after = await vault.boot(9);
    equal([after.meta.device, after.outbox, after.wishes], [before.meta.device, before.outbox, before.wishes]);
    equal(after.conversations, conversations);
    equal(await vault.relations(), []);
    equal(await vault.draft("d"), "text");
    equal(await vault.messages({ conversation: "c1", first: 1, last: 9 }), []);
    equal(
      (await vault.messages({ conversation: "c2", first: 1, last: 9 })).map(({ seq }) => seq),
      [4],
    );
    equal(await vault.conversation({ with: "bob-c1" }), null);
  });

  test("J58 each change of the outbox is decided by the row that is stored", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    const change = async (vault: Vault, one: NonNullable<Write["outbox"]>[number], more: Write = {}) =>
      [...(await vault.write({ ...more, outbox: [one] }, "strict")).outbox.values()][0];
    const failed = { code: "blocked", message: "No" };
    equal(await change(a, { do: "add", row: row("1") }), row("1"));
    equal(await change(b, { do: "edit", id: "1", text: "better" }), row("1", { text: "better" }));
    equal(await change(a, { do: "try", id: "1" }), row("1", { text: "better", isTried: true }));
    const tried = row("1", { text: "better", isTried: true });
    equal(await change(b, { do: "edit", id: "1", text: "late" }), tried);
    equal(await change(b, { do: "cancel", id: "1" }), tried);
    equal(await change(b, { do: "add", row: row("1") }), tried);
    equal(await change(a, { do: "fail", id: "1", failed }), { ...tried, failed });
    equal(await change(a, { do: "try", id: "1" }), { ...tried, failed });
    equal(await change(b, { do: "retry", id: "1" }), tried);
    // Without its message in the write a row does not go.
    equal(await change(a, { do: "settle", id: "1" }), tried);
    equal(
      await change(a, { do: "settle", id: "1" }, arrival(message("c1", 1, { id: "1", from: "me", to: "bob" }))),
      null,
    );
    equal(
      (await b.messages({ conversation: "c1", first: 1, last: 1 })).map(({ id }) => id),
      ["1"],
    );
    equal(await change(b, { do: "fail", id: "1", failed }), null);
    equal(
      await change(b, { do: "add", row: row("2", { isTried: true, failed }) }),
      row("2", { isTried: true, failed }),
    );
    // Refused in one tab, accepted in another: the message counts.
    const accepted = arrival(message("c1", 2, { id: "2", from: "me", to: "bob" }));
    equal(await change(a, { do: "settle", id: "2" }, accepted), null);
    equal(
      await change(b, { do: "add", row: row("8", { isTried: true, failed }) }),
      row("8", { isTried: true, failed }),
    );
    equal(await change(a, { do: "cancel", id: "8" }), null);
    equal(await change(a, { do: "cancel", id: "3" }), null);
    const replace = async (vault: Vault, by: string) => {
      const { outbox } = await vault.write({ outbox: [{ do: "replace", id: "4", row: row(by) }] }, "strict");
      return [outbox.get("4"), outbox.get(by)];
    };
    await a.write({ outbox: [{ do: "add", row: row("4", { isTried: true, failed }) }] }, "strict");
    await b.write({ outbox: [{ do: "retry", id: "4" }] }, "strict");
    equal(await replace(a, "5"), [row("4", { isTried: true }), null]);
    await b.write({ outbox: [{ do: "fail", id: "4", failed }] }, "strict");
    equal(await replace(a, "5"), [null, row("5")]);
    equal(await replace(b, "6"), [null, null]);
    equal(await change(a, { do: "cancel", id: "5" }), null);
    equal((await b.boot(0)).outbox, []);
  });

  test("J59 the last wish for a key counts, one that was granted goes only if it is still the same, and a read mark does not go back", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    const wish = { key: "mute c1", kind: "mute", conversation: "c1", muted: true } as const;
    const mark = (seq: number): Write => ({
      conversations: [{ kind: "read", conversation: "c1", seq }],
      wishes: [{ key: "read c1", kind: "read", conversation: "c1", seq, id: `c1-${seq}` }],
    });
    await a.write({ wishes: [wish] }, "strict");
    await b.write({ wishes: [{ ...wish, until: 7 }] }, "strict");
    await a.write({ granted: [wish] }, "relaxed");
    equal((await a.boot(0)).wishes, [{ ...wish, until: 7 }]);
    await a.write(
      { granted: [{ until: 7, muted: true, conversation: "c1", kind: "mute", key: "mute c1" }] },
      "relaxed",
    );
    equal((await b.boot(0)).wishes, []);
    await a.write(arrival(message("c1", 1), message("c1", 2), message("c1", 3)), "relaxed");
    await a.write(mark(3), "relaxed");
    await b.write(mark(2), "relaxed");
    equal((await b.boot(0)).wishes, mark(3).wishes);
    await b.write({ wishes: mark(2).wishes ?? [] }, "relaxed");
    equal((await b.boot(0)).wishes, mark(3).wishes);
  });

  test("J60 a draft goes in the write that adds its message, and a deleted one is not there", async (bench) => {
    const vault = await open(bench);
    await vault.write(
      {
        drafts: [
          ["bob", "hel"],
          ["bob", "hello"],
          ["amy", "x"],
        ],
      },
      "relaxed",
    );
    equal(await vault.draft("bob"), "hello");
    await vault.write({ drafts: [["bob", null]], outbox: [{ do: "add", row: row("1", { text: "hello" }) }] }, "strict");
    equal([await vault.draft("bob"), await vault.draft("amy"), (await vault.boot(0)).outbox.length], [null, "x", 1]);
    const drop = (only: readonly string[]): Write => ({ drafts: [["amy", null, only]] });
    await vault.write(drop(["", "y"]), "relaxed");
    equal(await vault.draft("amy"), "x");
    await vault.write(drop(["y", "x"]), "relaxed");
    await vault.write(drop([""]), "relaxed");
    equal(await vault.draft("amy"), null);
  });

  test("J61 pages of the list have each conversation once, from the top, and one is found by its id and by its user", async (bench) => {
    const vault = await open(bench);
    for (let count = 1; count <= 25; count += 1) await vault.write(arrival(message(`c${count}`, 1)), "relaxed");
    await vault.write(arrival(message("c3", 2)), "relaxed");
    const ids: string[] = [];
    for (let below = Number.POSITIVE_INFINITY, page = 0; page < 10; page += 1) {
      const rows = await vault.conversations({ below, limit: 7 });
      ids.push(...rows.map(({ id }) => id));
      below = rows.at(-1)?.rank ?? below;
    }
    const others = Array.from({ length: 25 }, (_, index) => `c${25 - index}`).filter((id) => id !== "c3");
    equal(ids, ["c3", ...others]);
    equal(
      (await vault.boot(3)).conversations.map(({ id }) => id),
      ["c3", "c25", "c24"],
    );
    equal((await vault.conversation({ id: "c3" }))?.last?.seq, 2);
    equal((await vault.conversation({ with: "bob-c9" }))?.id, "c9");
    equal([await vault.conversation({ id: "none" }), await vault.conversation({ with: "none" })], [null, null]);
  });

  test("J50 news of a conversation that is not known is kept, is in no list, and counts once a page that is older has come", async (bench) => {
    const [vault, other] = [await open(bench), await open(bench)];
    const receipt = { kind: "receipt", conversation: "c1", user: "bob-c1", self: "me", delivered: 5, read: 4 } as const;
    const setting = { kind: "setting", conversation: "c1", muted: true, version: 1 } as const;
    await vault.write(arrival(message("c0", 1)), "relaxed");
    equal((await vault.write({ conversations: [receipt, setting] }, "relaxed")).conversations, []);
    const list = async () =>
      [...(await other.boot(9)).conversations, ...(await other.conversations({ below: 1e9, limit: 9 }))].map(
        ({ id }) => id,
      );
    equal([await list(), await vault.conversation({ with: "bob-c1" })], [["c0", "c0"], null]);
    const listed = {
      ...{ id: "c1", with: "bob-c1", lastMessage: message("c1", 5), unread: 5, delivered: 0, read: 0 },
      ...{ peer: { delivered: 1, read: 0 }, setting: { muted: false, version: 0 } },
    };
    const { conversations } = await other.write({ conversations: [{ kind: "listed", listed }] }, "relaxed");
    equal(
      conversations.map(({ peer, setting: { muted }, unread }) => [peer, muted, unread]),
      [[{ delivered: 5, read: 4 }, true, 5]],
    );
    equal([await list(), (await vault.conversation({ with: "bob-c1" }))?.id], [["c0", "c1", "c0", "c1"], "c1"]);
  });

  test("J62 messages are read by their seqs, and an older version replaces none", async (bench) => {
    const vault = await open(bench);
    const seqs = [5, 1, 2, 9, 10, 100];
    await vault.write(arrival(...seqs.map((seq) => message("c1", seq)), message("c10", 3)), "relaxed");
    const read = async (first: number, last: number) =>
      (await vault.messages({ conversation: "c1", first, last })).map(({ seq }) => seq);
    equal(
      [await read(2, 10), await read(3, 4), await read(9, 2), await read(1, 1e9)],
      [[2, 5, 9, 10], [], [], [1, 2, 5, 9, 10, 100]],
    );
    const edited = message("c1", 5, { version: 2, text: "new" });
    await vault.write(
      { messages: [edited, message("c1", 5), message("c1", 5, { version: 1, text: "old" })] },
      "relaxed",
    );
    await vault.write({ messages: [message("c1", 5)] }, "relaxed");
    equal(await vault.messages({ conversation: "c1", first: 5, last: 5 }), [edited]);
  });

  test("J63 room is made from the lowest of the list on, the oldest messages first, and the ranges say so", async (bench) => {
    const vault = await open(bench);
    for (const id of ["c1", "c2", "c3"])
      await vault.write(arrival(...[1, 2, 3, 7, 8].map((seq) => message(id, seq))), "relaxed");
    equal(await vault.evict(7), 7);
    const held = async () =>
      (await vault.conversations({ below: 1e9, limit: 9 })).map(({ id, ranges }) => [id, ranges]);
    equal(await held(), [
      [
        "c3",
        [
          [1, 3],
          [7, 8],
        ],
      ],
      [
        "c2",
        [
          [3, 3],
          [7, 8],
        ],
      ],
      ["c1", []],
    ]);
    const seqsOf = async (id: string) =>
      (await vault.messages({ conversation: id, first: 1, last: 9 })).map(({ seq }) => seq);
    equal([await seqsOf("c1"), await seqsOf("c2"), await seqsOf("c3")], [[], [3, 7, 8], [1, 2, 3, 7, 8]]);
    equal([await vault.evict(99), await vault.evict(1), await vault.evict(0)], [8, 0, 0]);
    equal(
      (await vault.boot(1)).conversations.map(({ last }) => last?.seq),
      [8],
    );
  });

  test("J64 writes of two tabs at once lose nothing of a conversation, and one of two cursors moves", async (bench) => {
    const tabs = [await open(bench), await open(bench)];
    const moved = await Promise.all(
      tabs.flatMap((vault, tab) =>
        Array.from({ length: 20 }, async (_, index) => {
          const seq = 2 * index + tab + 1;
          const cursor = { from: index === 0 ? null : `k${index - 1}-${tab}`, to: `k${index}-${tab}`, level: 1 };
          return (await vault.write({ ...arrival(message("c1", seq)), cursor }, "relaxed")).cursorMoved;
        }),
      ),
    );
    const after = await tabs[0]?.conversation({ id: "c1" });
    equal([after?.ranges, after?.counted, after?.last?.seq], [[[1, 40]], 40, 40]);
    equal(
      [moved.slice(0, 20).every((one) => one === moved[0]), moved.slice(20).every((one) => one === moved[20])],
      [true, true],
    );
    equal(moved[0] !== moved[20], true);
  });

  test("J64 a write answers with the rows that it named, also where another tab had written the same before", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    const first = await a.write(arrival(message("c1", 1)), "relaxed");
    const second = await b.write(arrival(message("c1", 1)), "relaxed");
    equal(second.conversations, first.conversations);
    equal(second.conversations.length, 1);
  });

  test("J65 a scope that is destroyed is gone for all of its tabs, and another scope has everything", async (bench) => {
    const other = { ...bench.scope, user: `${bench.scope.user} 2` };
    const storage = bench.storage();
    const [a, b, kept] = [await open(bench), await open(bench), await storage.open(other, makeDevice)];
    const lost: string[] = [];
    a.onLost(() => lost.push("a"));
    b.onLost(() => lost.push("b"));
    kept.onLost(() => lost.push("kept"));
    await a.write({ outbox: [{ do: "add", row: row("1") }] }, "strict");
    await kept.write({ drafts: [["d", "mine"]] }, "strict");
    const device = (await a.boot(0)).meta.device;
    const names = async () =>
      (await storage.scopes()).filter(({ tenant }) => tenant === bench.scope.tenant).map(({ user }) => user);
    equal((await names()).toSorted(), [bench.scope.user, other.user].toSorted());
    await storage.destroy(bench.scope);
    equal(lost.toSorted(), ["a", "b"]);
    equal([await faultOf(a.boot(1)), await faultOf(b.write({}, "strict"))], ["lost", "lost"]);
    equal(lost.toSorted(), ["a", "b"]);
    equal(await names(), [other.user]);
    equal(await kept.draft("d"), "mine");
    const again = await open(bench);
    const boot = await again.boot(9);
    equal([boot.outbox, boot.meta.device === device], [[], false]);
  });

  test("J65 a vault that was closed takes no more calls, and the others go on", async (bench) => {
    const [a, b] = [await open(bench), await open(bench)];
    a.close();
    equal(await faultOf(a.boot(1)), "failed");
    await b.write({ drafts: [["d", "x"]] }, "relaxed");
    equal(await b.draft("d"), "x");
  });
}
