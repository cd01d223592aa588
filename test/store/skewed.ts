import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "../../src/internal/random.ts";
import { encodeConversation } from "../../src/protocol/conversation-id.ts";
import { changeText } from "../../src/store/read/change-text.ts";
import { newEpoch } from "../../src/store/epoch.ts";
import { wakeBlockedNotices, wakeReadNotices } from "../../src/store/push/unacked-sql.ts";
import { raiseLevel } from "../../src/store/sql.ts";
import { leaveHead, returnHead } from "../../src/store/write/send-sql.ts";
import { newest } from "../../src/store/read/history.ts";
import { createCountingEngine } from "../support/counting-engine.ts";
import { accepted, append, newId, person, storeOn } from "../support/store.ts";

/** Nearly as many as a user may have. */
const groupsOfAlice = 500;

/** Limited in both fixtures, so that budgets show without filling the real limits. */
const limits = {
  relationsMax: 2_000,
  ackMessagesMax: 200,
  unreadRowsMax: 1_000,
  historyRowsMax: 1_000,
  marksDelayMs: 1,
  groupsPerUserMax: groupsOfAlice + 20,
};
const relationsOfAlice = limits.relationsMax - 20;
/** Keys of conversations: what alice wrote to bob, what she and carol wrote in turn, what carol was written before the migration. */
const [monologue, dialogue, old, first] = [1, 2, 3, 100];
/** A group of many members and messages, and the first of those that are alice's. */
const [club, firstGroup] = [4, 20_000_000];

/** One user, alice, has `size` of each: messages of her own in one conversation, conversations, unread messages, and so on. */
function fixture(size: number): readonly string[] {
  const upTo = (count: number): string =>
    `(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${count}) SELECT i FROM c)`;
  const message = (n: string, rest: string): string =>
    `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq)
     SELECT ${n}, ${rest}`;
  const head = "(SELECT max(n) FROM tidings_message)";
  return [
    `INSERT INTO tidings_user (key, tenant, id) VALUES (1, 'default', 'alice'), (2, 'default', 'bob'), (3, 'default', 'carol')`,
    `INSERT INTO tidings_user (key, tenant, id) SELECT ${first} + i, 'default', 'u' || i FROM ${upTo(size)}`,
    `INSERT INTO tidings_user (key, tenant, id) SELECT 1000000 + i, 'default', 'r' || i FROM ${upTo(relationsOfAlice)}`,
    // Bob's first word, alice's many, bob's last; the same between bob and carol, of before a message knew the last one of the other.
    ...[
      [monologue, 1, 2, "1"],
      [old, 2, 3, "NULL"],
    ].flatMap(([key = 0, writer = 0, other = 0, known = ""]) => [
      `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, low_seq, high_seq)
       VALUES (${key}, 'default', ${writer}, ${other}, ${size + 2}, ${Number(key) * size}, ${size + 1}, ${size + 2})`,
      message(
        `coalesce(${head}, 0) + i`,
        `${key}, i, '${key} ' || i, CASE WHEN i IN (1, ${size + 2}) THEN ${other} ELSE ${writer} END,
         CASE WHEN i IN (1, ${size + 2}) THEN ${writer} ELSE ${other} END, 'x', i, ${known} FROM ${upTo(size + 2)}`,
      ),
    ]),
    `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, low_seq, high_seq)
     VALUES (${dialogue}, 'default', 1, 3, ${size}, 5, ${size}, ${size - 1})`,
    message(
      `${head} + i`,
      `${dialogue}, i, 'both ' || i, CASE i % 2 WHEN 0 THEN 1 ELSE 3 END, CASE i % 2 WHEN 0 THEN 3 ELSE 1 END, 'x', i, i - 1 FROM ${upTo(size)}`,
    ),
    `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, low_seq, high_seq)
     SELECT ${first} + i, 'default', 1, ${first} + i, 1, i, 0, 1 FROM ${upTo(size)}`,
    message(`${head} + i`, `${first} + i, 1, 'one ' || i, ${first} + i, 1, 'x', i, 0 FROM ${upTo(size)}`),
    `INSERT INTO tidings_member (conversation, user, peer, n) SELECT key, low, high, 0 FROM tidings_conversation`,
    `INSERT INTO tidings_member (conversation, user, peer, n) SELECT key, high, low, key FROM tidings_conversation`,
    `INSERT INTO tidings_device (user, device, acked) SELECT 1, 'd' || i, 0 FROM ${upTo(100)}`,
    // Of other users, not seen for long.
    `INSERT INTO tidings_device (user, device, acked, seen) SELECT ${first} + i, 'phone', 0, i FROM ${upTo(size)}`,
    `INSERT INTO tidings_device (user, device, acked) VALUES (2, 'phone', 0)`,
    `INSERT INTO tidings_relation (user, other, contact, blocked, n)
     SELECT 1, 1000000 + i, 1, i % 2, ${head} + i FROM ${upTo(relationsOfAlice)}`,
    `INSERT INTO tidings_push_address (key, user, tenant, device, provider, token, hash, since, decided, refreshed)
     SELECT i, 1, 'default', 'd' || i, 'fcm', 't' || i, 't' || i, 0, 0, i FROM ${upTo(32)}`,
    `INSERT INTO tidings_push_notice (address, conversation, provider, n, seq, first, due)
     SELECT 1 + i % 2, ${first} + i, 'fcm', i, 1, 1, CASE i % 2 WHEN 0 THEN i ELSE 9000000000000 + i END FROM ${upTo(size)}`,
    `INSERT INTO tidings_push_log (conversation, seq, address, first, user, device, provider, time, decision, reason, attempts)
     SELECT ${monologue}, i, 1, i, 2, 'phone', 'fcm', i, 'sent', 'sent', 1 FROM ${upTo(size)}`,
    // Half of them have ended.
    `INSERT INTO tidings_mute (user, conversation, until, n) SELECT 1, ${first} + i, iif(i % 2, 0, NULL), i FROM ${upTo(size)}`,
    `INSERT INTO tidings_ticket (hash, user, expires) SELECT 'h' || i, 1, i FROM ${upTo(99)}`,
    // Groups, with numbers of their own: alice and all others in one, where she and u1 write in turn; and hundreds of her own.
    `INSERT INTO tidings_conversation (key, tenant, kind, seq) VALUES (${club}, 'default', 'group', ${size})`,
    `INSERT INTO tidings_conversation (key, tenant, kind, seq) SELECT ${firstGroup} + i, 'default', 'group', 1 FROM ${upTo(groupsOfAlice)}`,
    message(
      `${head} + i`,
      `${club}, i, 'club ' || i, CASE i % 2 WHEN 0 THEN 1 ELSE ${first} + 1 END, NULL, 'x', i, 0 FROM ${upTo(size)}`,
    ),
    message(`${head} + i`, `${firstGroup} + i, 1, 'group ' || i, 1, NULL, 'x', i, 0 FROM ${upTo(groupsOfAlice)}`),
    `UPDATE tidings_head SET n = max((SELECT max(n) FROM tidings_relation), ${head})`,
    `INSERT INTO tidings_group (conversation, creator, id, n, version, name, data, visibility, history, size)
     SELECT c.key, 1, 'g' || c.key, row_number() OVER (ORDER BY c.key), 1, 'g', '{}', 'open', 'all', 1 FROM tidings_conversation c WHERE c.kind = 'group'`,
    `UPDATE tidings_group SET size = ${size} + 1 WHERE conversation = ${club}`,
    `INSERT INTO tidings_group_member (conversation, user, status, role, since, joined, joined_n, n)
     SELECT k.conversation, 1, 0, 2, 0, 0, 0, 1000 + row_number() OVER (ORDER BY k.conversation) FROM tidings_group k`,
    // A quarter of them has left.
    `INSERT INTO tidings_group_member (conversation, user, status, role, since, joined, joined_n, n)
     SELECT ${club}, ${first} + i, iif(i % 4, 0, 1), 0, 0, 0, 0, 2000 + i FROM ${upTo(size)}`,
    // Nearly as many invitations into each of them as it may have; half of them have expired.
    `INSERT INTO tidings_group_invite (conversation, id, hash, creator, by_host, expires, uses)
     SELECT ${club}, 'i' || i, 'h' || i, 1, 0, iif(i % 2, 0, 9000000000000), i % 3 FROM ${upTo(480)}`,
    `INSERT INTO tidings_group_invite (conversation, id, hash, creator, by_host, expires, uses)
     SELECT ${firstGroup} + i, 'i', 'g' || i, 1, 0, 9000000000000, 1 FROM ${upTo(groupsOfAlice)}`,
    `UPDATE tidings_message SET prev = x.prev FROM (
       SELECT m.n, lag(m.n, 1, 0) OVER (PARTITION BY m.conversation ORDER BY m.n) AS prev FROM tidings_message m
     ) x WHERE tidings_message.n = x.n`,
    `UPDATE tidings_conversation SET n = (SELECT m.n FROM tidings_message m WHERE m.conversation = key ORDER BY m.n DESC LIMIT 1)`,
    `UPDATE tidings_conversation SET period = n >> 18`,
    // Sets their periods.
    `UPDATE tidings_member SET n = n WHERE n > 0`,
  ];
}

/** What the statements of every operation of the store take on it, by their texts. */
export async function stepsOn(size: number): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tidings-budget-"));
  const engine = createCountingEngine(join(folder, "chat.db"));
  try {
    const { store } = await storeOn(engine, { limits });
    await engine.write(fixture(size).map((sql) => ({ sql })));
    engine.steps.clear();
    const [alice, bob] = [person("alice"), person("bob")];
    const middle = Math.floor(size / 2);
    const read = (user: string, conversation: number, seq: number) =>
      new Promise((resolve) => store.read(person(user), encodeConversation(conversation), seq, resolve));

    // What moves nothing first, so that all of it is as it was made.
    const { n } = await store.head();
    await store.changes(alice, 0, { rows: 256, bytes: 1_000_000 });
    await store.changes(bob, 0, { rows: 256, bytes: 1_000_000 });
    await store.log(0, 256);
    await store.members("default", encodeConversation(monologue));
    await store.messageAt(encodeConversation(monologue), middle);
    await store.direct("default", "alice", "bob");
    await store.relationships(
      alice,
      Array.from({ length: 500 }, (_, i) => `r${i}`),
    );
    for (const which of ["contact", "blocked"] as const) await store.people(alice, { which, after: "", limit: 200 });
    await store.isContact(alice, "r1");
    await store.lastSeen("default", ["alice", "bob"]);
    await store.conversations(alice, { below: newest, limit: 200 });
    for (const key of [monologue, dialogue, first])
      await store.conversation(alice, { conversation: encodeConversation(key) });
    await store.conversation(alice, { with: "carol" });
    const places = [{ conversation: encodeConversation(monologue) }, { with: "carol" }, {}];
    for (const place of places)
      for (const from of ["nobody", "alice", undefined])
        for (const order of [{ down: newest }, { up: 0 }, { down: middle, up: middle - 1 }])
          await store.history(alice, { ...place, ...(from !== undefined && { from }), order, limit: 200 });
    await store.history(alice, { undelivered: "d1", order: { up: 0 }, limit: 200 });
    await store.history(alice, { undelivered: "d1", from: "nobody", order: { up: 0 }, limit: 200 });
    const ids = Array.from({ length: 100 }, (_, i) => `1 ${i + 1}`);
    await store.history(alice, { ids, order: {}, limit: 200 });
    await store.history(alice, { ids, conversation: encodeConversation(monologue), order: {}, limit: 200 });

    // Groups.
    const { groups } = store;
    const clubId = encodeConversation(club);
    await store.changes(alice, n - 1, { rows: 256, bytes: 1_000_000 });
    await groups.list(alice, { below: newest, limit: 200 });
    await groups.listed(alice, clubId);
    await groups.members(alice, clubId, { after: "", limit: 200 });
    await groups.members(alice, clubId, { after: `u${middle}`, limit: 200 });
    await groups.readers({ ...alice, isHost: true }, clubId, { seq: 1, after: "", limit: 200 });
    await groups.view(alice, clubId);
    await groups.presences(alice);
    await groups.invites(alice, clubId, { after: "", limit: 200, now: 1 });
    await groups.invited(person("dan"), "h1", 1);
    for (const from of ["nobody", undefined])
      for (const order of [{ down: newest }, { up: 0 }, { down: middle, up: middle - 1 }])
        await store.history(alice, { conversation: clubId, ...(from !== undefined && { from }), order, limit: 200 });
    await store.history(alice, { ids: Array.from({ length: 100 }, (_, i) => `club ${i + 1}`), order: {}, limit: 200 });

    // Push.
    const { push, devices } = store;
    await push.take("me", await push.worker());
    await push.beat("me", 1);
    await push.pendingBetween(0, 1_000);
    await push.addressUsers("me", [{ ...person("carol"), n: 1 }], { providers: ["webhook"], now: 1 });
    await push.undecided([alice, bob, person("carol")]);
    await push.enqueue("me", [{ address: 1, upTo: n }]);
    await push.wakeRead("me", [{ ...alice, conversation: encodeConversation(first + 2), n }], 1);
    await push.wakeBlocked("me", [{ ...alice, other: "r1", n }], 1);
    await push.isWaiting(["fcm", "webhook"]);
    await push.badges([alice], 1);
    await push.explained(alice, "both 1");
    await push.explained(bob, "1 2");
    const due = await push.due("fcm", 1_000_000, 256);
    const verdicts = due.map((one, i) => ({
      ...{ due: { ...one, shown: 1 }, isDone: true, until: null, attempts: 1, shown: i % 2, isDead: i === 1 },
      log: { decision: "sent", reason: "sent", answer: null },
    }));
    await push.settle("me", verdicts, 2);
    await push.prune("me", middle);
    await push.leave("me");
    await store.messages(0, 200);
    await store.places.begin("bot", "start");
    const place = store.places.place("bot");
    await place.take("me", await place.worker());
    await place.beat("me", n);
    await place.leave("me");

    // Writes.
    const conversation = encodeConversation(monologue);
    const id = newId();
    await accepted(store, { from: "alice", to: "bob", id });
    await append(store, { from: "alice", to: "bob", id });
    await append(store, { from: "alice", conversation, id, text: "other" });
    await append(store, { from: "alice", conversation: "c5", text: "not hers" });
    await Promise.all([
      accepted(store, { from: "alice", conversation }),
      accepted(store, { from: "bob", to: "alice" }),
      accepted(store, { from: "alice", to: "somebody new" }),
    ]);
    await read("alice", monologue, middle);
    await read("alice", dialogue, middle + (middle % 2));
    await read("bob", old, middle);
    await store.openDevice(alice, "d1");
    await store.openDevice(alice, "one more", { after: 1 });
    for (const device of ["d1", "d2", "d3"])
      await new Promise((resolve) => store.ack(alice, device, Math.min(n, 4 * size), resolve));
    await store.relate(alice, [{ other: "bob", blocked: true, contact: true }]);
    store.seen(alice, 60_000);
    await read("alice", monologue, size + 2);
    await read("alice", club, middle);
    await accepted(store, { from: "alice", conversation: clubId });
    const made = { name: "g", data: {}, visibility: "open", history: "joined" } as const;
    const { view } = await groups.create(alice, { ...made, id: newId(), members: ["bob", "carol"] }, 1);
    await groups.create(alice, { ...made, id: "again", members: [] }, 1);
    await groups.create(alice, { ...made, id: "again", members: [] }, 1);
    await groups.update(alice, clubId, { name: "other" }, 1);
    await groups.add(
      alice,
      clubId,
      Array.from({ length: 100 }, (_, i) => `r${i}`),
      1,
    );
    await groups.remove(alice, clubId, "r1", 1);
    await groups.setRole(alice, clubId, { user: "r2", role: "admin" }, 1);
    for (const mentions of ["all", Array.from({ length: 50 }, (_, i) => `u${i}`)] as const)
      await append(store, { from: "alice", conversation: clubId, text: "hi", mentions });
    await groups.join(person("dan"), clubId, 1);
    await groups.leave(person("dan"), clubId, 1);
    await groups.invite(alice, clubId, { id: "more", hash: "more", expires: 9e12, uses: 2 }, 1);
    await groups.joinInvited(person("dan"), "more", 1);
    await groups.revokeInvite(alice, clubId, "more");
    await groups.remove(alice, view.conversation, "bob", 1);
    await store.relate(alice, [{ other: "bob", blocked: false }]);
    await devices.putDevice(alice, "d1", { address: { provider: "fcm", token: "t", hash: "t" }, now: 1, notify: true });
    await devices.deleteDevice(alice, "d2");
    await devices.sweep({ before: 9e15, after: null });
    await store.forgetDevice(alice, "d3", 1);
    await devices.mute(alice, conversation, "forever");
    await devices.mutedUntil(alice, conversation, 1);
    await devices.mute(alice, conversation, null);
    await devices.setQuietHours(alice, "[]");
    await devices.quietHours(alice);
    await devices.setQuietHours(alice, null);
    await store.addTicket(alice, { hash: "h", expires: 9e12, now: 1, provedAfter: n });
    await store.useTicket("h", 1);
    await store.revoke(alice, { reason: "lost", time: 1 });
    await store.revocations(0);
    await newEpoch(engine, systemRandom);
    await engine.write([
      { sql: leaveHead },
      { sql: returnHead },
      { sql: raiseLevel, args: [1] },
      await changeText({ n, now: { conversation: monologue, text: "hi" }, text: "changed" }),
      { sql: wakeBlockedNotices, args: ["", JSON.stringify([["default", "alice", "r1"]]), 1] },
      { sql: wakeReadNotices, args: ["", JSON.stringify([["default", "alice", first + 2]]), 1] },
    ]);
    await store.close();
    return new Map(engine.steps);
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
