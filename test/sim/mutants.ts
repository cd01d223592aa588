import type { Alteration } from "../support/alter-source.ts";

/** A bug planted into the core, which the worlds must find. */
export type Mutant = {
  readonly name: string;
  /** What must find it: rules, one of which a world must name. */
  readonly rule: string;
  /** A small world that finds it, as the code was last measured: it is tried first. */
  readonly seed: number;
  readonly alteration: Alteration;
};

/** Bugs of the kinds that such a core has: each in another place, each breaking another promise. */
export const mutants: readonly Mutant[] = [
  {
    name: "a failed commit that is answered with accepted",
    rule: "D1",
    seed: 40,
    alteration: {
      file: "store/writer.ts",
      from: "      fail(batch, cause);\n      return;",
      to: `      for (const { settle } of batch.sends)
        settle({ type: "accepted", n: 1, conversation: "c1", seq: 1, time: batch.time, duplicate: false });
      fail({ ...batch, sends: [] }, cause);
      return;`,
    },
  },
  {
    name: "a retry that is stored again",
    rule: "O1",
    seed: 141,
    alteration: {
      file: "store/writer.ts",
      from: "      sends.push(send, settle);",
      to: "      sends.push(random.integer() % 2 ? { ...send, id: random.messageId(1) } : send, settle);",
    },
  },
  {
    name: "places in a conversation that run against the order of a commit",
    rule: "O4 D1",
    seed: 2,
    alteration: {
      file: "store/sql.ts",
      from: "PARTITION BY c.key ORDER BY s.i)",
      to: "PARTITION BY c.key ORDER BY s.i DESC)",
    },
  },
  {
    name: "a page that claims more of the log than it holds",
    rule: "O6 O3",
    seed: 206,
    alteration: {
      file: "store/reader.ts",
      from: "upTo = Math.min(upTo, n(last));",
      to: "upTo = Math.max(upTo, n(last));",
    },
  },
  {
    name: "a cursor that is ahead of its frame",
    rule: "O3",
    seed: 49,
    alteration: {
      file: "hub/tail.ts",
      from: "writeChanges(frame[frame.length - 1]?.n ?? position, true, frame);",
      to: "writeChanges(upTo, true, frame);",
    },
  },
  {
    name: "an answer of changes that leaves out some of them",
    rule: "Q80",
    seed: 10,
    alteration: {
      file: "http/route/get-changes.ts",
      from: '"cursor":${JSON.stringify(place)},"frames":[${frames.join(",")}]',
      to: '"cursor":${JSON.stringify(place)},"frames":[${frames.slice(0, 2).join(",")}]',
    },
  },
  {
    name: "a gap in the log that is jumped",
    rule: "O5 O3 D1",
    seed: 9,
    alteration: {
      file: "feed/feed.ts",
      from: "if (commit.from === position && !filling) {",
      to: "if (!filling) {",
    },
  },
  {
    name: "a wake-up lost between replay and live",
    rule: "O7 O10",
    seed: 1,
    alteration: { file: "hub/fan-out.ts", from: "        here.lastN = change.n;\n", to: "" },
  },
  {
    name: "live changes dropped for a slow reader",
    rule: "O3",
    seed: 2,
    alteration: {
      file: "hub/tail.ts",
      from: `        mode = "replaying";
        isBlocked = true;
      } else`,
      to: "        position = offeredUpTo;\n      } else",
    },
  },
  {
    name: "a change that overtakes its accepted",
    rule: "H3",
    seed: 141,
    alteration: { file: "hub/connection.ts", from: "        await store.settled();\n", to: "" },
  },
  {
    name: "sends that are handled behind one that failed",
    rule: "O4",
    seed: 111,
    alteration: { file: "hub/connection.ts", from: `if (state === "open") state = "failed";`, to: "" },
  },
  {
    name: "deadlines by a clock that jumps",
    rule: "R8 O10",
    seed: 35,
    alteration: {
      file: "connection/heartbeat.ts",
      from: "const now = clock.elapsed();",
      to: "const now = clock.now() - 1_780_000_000_000;",
    },
  },
  {
    name: "a buffer without an end",
    rule: "R3",
    seed: 292,
    alteration: {
      file: "connection/outbox.ts",
      from: "return waiting + bytes <= bytesMax && (",
      to: "return waiting + bytes <= 1e9 + bytesMax && (",
    },
  },
  {
    name: "delivered beyond what was acked",
    rule: "O8",
    seed: 40,
    alteration: {
      file: "store/sql.ts",
      from: "m.recipient = acked.user AND m.n > acked.since AND m.n <= acked.up_to\n",
      to: "m.recipient = acked.user AND m.n > acked.since\n",
    },
  },
  {
    name: "an ack forgotten for an older one",
    rule: "O8",
    seed: 38,
    alteration: {
      file: "store/marks.ts",
      from: "!waiting || waiting.n < ack.n",
      to: "!waiting || waiting.n > ack.n",
    },
  },
  {
    name: "a read mark that takes delivered back",
    rule: "O9",
    seed: 115,
    alteration: { file: "store/sql.ts", from: "max(p.delivered, x.seq), x.seq,", to: "x.seq, x.seq," },
  },
  {
    name: "typing told to the one who types",
    rule: "T3",
    seed: 206,
    alteration: {
      file: "hub/handler/typing.ts",
      from: "members.filter((member) => member !== user)",
      to: "members.filter(() => true)",
    },
  },
  {
    name: "a connection that is remembered for ever",
    rule: "H11",
    seed: 38,
    alteration: {
      file: "hub/hub.ts",
      from: "if (registry.leave(session, connection)) {",
      to: "if (all.size < 0) {",
    },
  },
  {
    name: "a polled page whose cursor covers all that there is",
    rule: "Q2",
    seed: 63,
    alteration: {
      file: "store/history-reader.ts",
      from: 'n: last?.n ?? Number(device["acked"])',
      to: 'n: Number(device["n"])',
    },
  },
  {
    name: "an ack over HTTP of all that there is",
    rule: "Q7 Q2",
    seed: 63,
    alteration: { file: "http/route/post-ack.ts", from: "Math.min(at.n, head.n)", to: "head.n" },
  },
  {
    name: "the oldest page in place of the newest",
    rule: "Q3",
    seed: 67,
    alteration: { file: "store/history-sql.ts", from: "ORDER BY m.seq DESC", to: "ORDER BY m.seq" },
  },
  {
    name: "marks that stay hidden once a block has ended",
    rule: "B3",
    seed: 6,
    alteration: { file: "store/batch.ts", from: "blocked === false))", to: "blocked === null))" },
  },
  {
    name: "a block that leaves the notification where it stands",
    rule: "U3 U69",
    seed: 653,
    alteration: {
      file: "push/follower.ts",
      from: 'else if (change.kind === "relation" && change.blocked)',
      to: 'else if (change.kind === "relation" && change.blocked === null)',
    },
  },
  {
    name: "a block that sends do not look at",
    rule: "B2",
    seed: 55,
    alteration: {
      file: "store/sql.ts",
      from: "AND r.other = a.key AND r.blocked)",
      to: "AND r.other = a.key AND r.blocked > 1)",
    },
  },
  {
    name: "relations that take change numbers which are given out again",
    rule: "O5 O6 B1",
    seed: 55,
    alteration: {
      file: "store/people-sql.ts",
      from: "n = max(n, coalesce((SELECT max(n) FROM tidings_relation), 0), ",
      to: "n = max(n, ",
    },
  },
  {
    name: "what stands between people, remembered for ever",
    rule: "B6",
    seed: 170,
    alteration: {
      file: "hub/ties.ts",
      from: 'if (change.kind === "relation") forget',
      to: 'if (change.kind === "receipt") forget',
    },
  },
  {
    name: "a grace that goes on after somebody is back",
    rule: "B6",
    seed: 93,
    alteration: {
      file: "hub/presence.ts",
      from: "if (leases.has(key)) return graces.cancel(key);",
      to: "if (leases.has(key)) return;",
    },
  },
  {
    name: "a worker that takes its place for granted",
    rule: "U8",
    seed: 528,
    alteration: {
      file: "feed/lease.ts",
      from: "isTaken && clock.elapsed() - renewedAt < leaseMs * trustedPart",
      to: "isTaken",
    },
  },
  {
    name: "messages that are decided on and wait nowhere",
    rule: "U5",
    seed: 38,
    alteration: { file: "store/push-store.ts", from: "        { sql: sql.insertNotices, args },\n", to: "" },
  },
  {
    name: "a worker's place in the log ahead of whom it remembers",
    rule: "U5",
    seed: 149,
    alteration: {
      file: "push/follower.ts",
      from: "for (const each of stirs.values()) n = Math.min(n, each.n - 1);",
      to: "",
    },
  },
  {
    name: "a message that comes while another is told, and is forgotten",
    rule: "U5",
    seed: 33,
    alteration: {
      file: "store/push-sql.ts",
      from: "    WHEN x.is_done AND push_notice.n > x.n THEN push_notice.n\n",
      to: "",
    },
  },
  {
    name: "another key for each try",
    rule: "U5",
    seed: 240,
    alteration: {
      file: "push/courier.ts",
      from: "keyOf(due, {",
      to: "keyOf({ ...due, address: due.attempts }, {",
    },
  },
  {
    name: "what is under way, told again",
    rule: "U5",
    seed: 270,
    alteration: { file: "push/lane.ts", from: "!before.has(nameOf(due)) && !busy.has(nameOf(due))", to: "before" },
  },
  {
    name: "what was due before it was kept as told, told again",
    rule: "U5",
    seed: 270,
    alteration: { file: "push/lane.ts", from: "!before.has(nameOf(due)) && ", to: "" },
  },
  {
    name: "no second look before something is sent",
    rule: "U2",
    seed: 13,
    alteration: {
      file: "push/courier.ts",
      from: "    const decision = decideOn(due);",
      to: '      const decision = { type: "send", reason: "sent" } as Decision;',
    },
  },
  {
    name: "one device's ack taken for another's",
    rule: "U1 U5",
    seed: 38,
    alteration: {
      file: "store/push-sql.ts",
      from: "WHERE d.user = a.user AND d.device = a.device), 0)\nEND",
      to: "WHERE d.user = a.user ORDER BY d.acked DESC LIMIT 1), 0)\nEND",
    },
  },
  {
    name: "a read that takes no notification away",
    rule: "U3",
    seed: 49,
    alteration: {
      file: "push/follower.ts",
      from: 'else if (change.kind === "receipt" && change.read > 0) noteRead({ tenant, ...change });',
      to: "",
    },
  },
  {
    name: "a notification that was read while it was told, and stays",
    rule: "U3",
    seed: 228,
    alteration: {
      file: "store/push-sql.ts",
      from: "WHEN x.is_done AND x.due IS NULL AND ${isOver",
      to: "WHEN x.is_done AND x.due > 0 AND ${isOver",
    },
  },
  {
    name: "a token that has moved, with what waited for it",
    rule: "U6 U5",
    seed: 186,
    alteration: {
      file: "store/device-store.ts",
      from: "          { sql: sql.deleteMovedNotices, args: [...moved, limits.pushNoticesGoneMax] },\n",
      to: "",
    },
  },
  {
    name: "a logout that forgets no address",
    rule: "U6",
    seed: 19,
    alteration: {
      file: "store/device-store.ts",
      from: "        { sql: sql.deleteDeviceAddresses, args },\n",
      to: "",
    },
  },
  {
    name: "a death notice that outlives a new registration",
    rule: "U6 O10 U9",
    seed: 558,
    alteration: {
      file: "store/push-sql.ts",
      from: "AND a.hash = ${field(1)} AND a.refreshed = ${field(2)}`",
      to: "AND a.hash = ${field(1)}`",
    },
  },
  {
    name: "a stretch of a commit that claims all of it",
    rule: "O10 D1",
    seed: 39,
    alteration: {
      file: "feed/hints.ts",
      from: "(lowest[i] ?? 0) > upTo) yield textUpTo(upTo);",
      to: "(lowest[i] ?? 0) > upTo) yield textUpTo(to);",
    },
  },
  {
    name: "a request to the database that waits for ever",
    rule: "O10",
    seed: 146,
    alteration: {
      file: "store/engine/remote-client.ts",
      from: "cancel = clock.after(Math.max(0, end - start), () => {",
      to: "cancel = clock.after(1e12, () => {",
    },
  },
  {
    name: "a database that is left alone for ever once it was down",
    rule: "O10",
    seed: 1109,
    alteration: { file: "store/engine/remote.ts", from: "if (probes >= allowed)", to: "if (probes >= 0)" },
  },
  {
    name: "an answer of the database that was another one's",
    rule: "O10 D1 O3 Q4",
    seed: 583,
    alteration: {
      file: "store/engine/read-queue.ts",
      from: "one.resolve(results.slice(at, (at += one.batch.length)));",
      to: "one.resolve(results.slice(0, (at += one.batch.length)));",
    },
  },
  {
    name: "a write that does not say for which history it is",
    rule: "D1 O8 D32 D30",
    seed: 169,
    alteration: {
      file: "store/one-history.ts",
      from: "const guards = guard();",
      to: "const guards = guard().slice(0, 0);",
    },
  },
  {
    name: "sockets of a history that has ended",
    rule: "D31 O10",
    seed: 275,
    alteration: { file: "database/database.ts", from: "    leave(current);\n", to: "" },
  },
  {
    name: "a hub of a history that has ended",
    rule: "D31 O10",
    seed: 206,
    alteration: { file: "database/database.ts", from: "          current = next;\n", to: "" },
  },
  {
    name: "a database that went back, taken as it is",
    rule: "D32 O10",
    seed: 273,
    alteration: {
      file: "store/one-history.ts",
      from: 'end({ type: "went back", epoch: confirmed.epoch, n: newest() });',
      to: "return confirmed;",
    },
  },
  {
    name: "a database that goes back to just before a write",
    rule: "D32",
    seed: 296,
    alteration: { file: "store/one-history.ts", from: "          note(cursorOf(row));\n", to: "" },
  },
  {
    name: "a name that comes back",
    rule: "D32",
    seed: 395,
    alteration: {
      file: "database/database.ts",
      from: "    const n = before.get(head.epoch) ?? 0;\n",
      to: "    const n = head.epoch === left ? (before.get(left) ?? 0) : 0;\n    ended.clear();\n",
    },
  },
  {
    name: "a history that each node names",
    rule: "D32",
    seed: 281,
    alteration: { file: "store/sql.ts", from: " WHERE ?2 IS NULL OR (epoch = ?2 AND n < ?3)`", to: "`" },
  },
  {
    name: "an ack of another history",
    rule: "O8",
    seed: 67,
    alteration: {
      file: "hub/handler/ack.ts",
      from: "if (cursor === null) return;",
      to: "if (cursor === null) return store.ack(connection.session, connection.device, connection.position());",
    },
  },
  {
    name: "a revocation of sockets that are open, and not of those that open",
    rule: "T5 O10",
    seed: 253,
    alteration: {
      file: "hub/hub.ts",
      from: "of registry.everyOf({ tenant, user }))",
      to: "of [...(registry.find(tenant, user)?.connections ?? [])])",
    },
  },
  {
    name: "a revocation that the log does not tell",
    rule: "T5 O10",
    seed: 129,
    alteration: {
      file: "store/reader.ts",
      from: "cutOf(revocations, revocationLogEntry, bound)",
      to: "cutOf(revocations.slice(0, 0), revocationLogEntry, bound)",
    },
  },
];
