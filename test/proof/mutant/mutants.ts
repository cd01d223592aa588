import type { PlantName } from "../../plants/index.ts";

/** One condition of the source removed or changed (test/plants), and the test that must fail with it. */
export type Mutant = {
  readonly name: PlantName;
  /** Part of the test's name, and its file. */
  readonly red: string;
  readonly in: string;
};

/**
 * Bugs that the tests of their folder did not find when each was planted alone; the first ones not even the whole suite and hundreds of
 * simulated worlds. Now each has its own test: a change of such a condition changes its test and its line here.
 */
export const mutants: readonly Mutant[] = [
  {
    name: "pages that came before the first cursor are kept",
    red: "J94 a new device that is greeted in another history after that",
    in: "test/client/sync/first-page.test.ts",
  },
  {
    name: "news of a conversation that is not known is dropped",
    red: "J50 news of a conversation that is not known is kept",
    in: "test/client/vault/memory.test.ts",
  },
  {
    name: "a conversation that only news has told of is not asked for",
    red: "J102 a conversation that only news has told of is asked for",
    in: "test/client/sync/bounds.test.ts",
  },
  {
    name: "a page that was frozen sends before its storage has answered",
    red: "J2 a page that was frozen hears first",
    in: "test/client/sync/outbox.test.ts",
  },
  {
    name: "changes overtake an answer that waits",
    red: "H3 R3 an answer that is known holds changes back",
    in: "test/connection/outbox.test.ts",
  },
  {
    name: "a user who gets a message during the look is forgotten",
    red: "U5 U1 a user who was marked during the look",
    in: "test/push/overdue.test.ts",
  },
  {
    name: "a cursor beyond the head is honoured",
    red: "P13 a cursor of another history, or beyond the head",
    in: "test/connection/welcome.test.ts",
  },
  {
    name: "a cursor at the head is refused",
    red: "P10 P11 P13 a connection goes on at its cursor",
    in: "test/connection/welcome.test.ts",
  },
  {
    name: "a revocation of sockets that are open, and not of those that open",
    red: "T5 a revocation ends the sockets that are still opening",
    in: "test/hub/races.test.ts",
  },
  {
    name: "an answer from before a block is remembered after it",
    red: "B3 T3 an answer that was under way",
    in: "test/hub/relationship-cache.test.ts",
  },
  {
    name: "a busy server's connections are thrown away",
    red: "E24 E25 a server that said that it is busy",
    in: "test/store/engine/remote-client.test.ts",
  },
  {
    name: "a frame overtakes those that wait",
    red: "O4 H4 a frame does not overtake",
    in: "test/connection/inbox.test.ts",
  },
  {
    name: "frames wait without a bound where reading cannot stop",
    red: "H9 R3 where the runtime cannot stop reading",
    in: "test/connection/inbox.test.ts",
  },
  {
    name: "handled frames are counted for ever",
    red: "H9 a frame that was handled counts no more",
    in: "test/connection/inbox.test.ts",
  },
  {
    name: "a budget that is used up is used on",
    red: "R3 once the budget is used up",
    in: "test/connection/outbox.test.ts",
  },
  {
    name: "changes take the room of answers",
    red: "R3 changes leave room for answers",
    in: "test/connection/outbox.test.ts",
  },
  {
    name: "a slow reader counts as one that has stopped",
    red: "R2 R3 while the budget is short",
    in: "test/connection/outbox.test.ts",
  },
  {
    name: "bad frames count for ever",
    red: "H10 P34 only the bad frames of the last minute",
    in: "test/connection/bad-frame-counter.test.ts",
  },
  {
    name: "a connection that we do not read counts as silent",
    red: "R4 H9 a peer that the server does not read",
    in: "test/connection/heartbeat.test.ts",
  },
  {
    name: "frames that came before the welcome wait for ever",
    red: "P26 O10 frames that come before",
    in: "test/connection/connection.test.ts",
  },
  {
    name: "unread answers block nothing",
    red: "H7 a client that sends, and takes no answers",
    in: "test/hub/races.test.ts",
  },
  {
    name: "a peer that does not answer the closing handshake stays",
    red: "H11 a peer that does not answer the closing handshake",
    in: "test/connection/lifecycle.test.ts",
  },
  {
    name: "a connection that others held up is not flushed again",
    red: "O10 R3 a client that was sent nothing, for others",
    in: "test/hub/races.test.ts",
  },
  {
    name: "a stretch from before the position is sent twice",
    red: "O3 a stretch of the log that begins behind",
    in: "test/connection/replay.test.ts",
  },
  {
    name: "a frame in the middle of a page says that nothing follows",
    red: "P15 P16 O6 of a page in several frames",
    in: "test/connection/replay.test.ts",
  },
  {
    name: "sends behind a failed commit are accepted later",
    red: "D3 H5 O4 after a failed commit",
    in: "test/store/write/write-queue.test.ts",
  },
  {
    name: "opening a device during a failure waits for ever",
    red: "S12 opening a device or changing",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "every request tries the database during an outage",
    red: "S12 during the outage only the probe",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "the rest of a page is taken from any history",
    red: "D31 a page of which the rest",
    in: "test/store/read/two-steps.test.ts",
  },
  {
    name: "a page says that it has what an older copy does not have yet",
    red: "S49 where a copy that lags",
    in: "test/store/read/two-steps.test.ts",
  },
  {
    name: "an ack of a message waits as long as the quiet one of its device",
    red: "S51 an ack of a message takes",
    in: "test/store/write/marks.test.ts",
  },
  { name: "a quiet ack waits no longer than others", red: "S51 the ack of a message", in: "test/hub/hub.test.ts" },
  {
    name: "a last-seen time is lost with a commit",
    red: "B7 a last-seen time is not lost",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "sends wait without a bound",
    red: "R3 no more sends wait than may",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "a second change of a relation undoes the first one",
    red: "B1 a commit has one call of each user",
    in: "test/store/write/relation-queue.test.ts",
  },
  {
    name: "a read that goes back is the one that is kept",
    red: "P29 Q7 O9 marks become due together",
    in: "test/store/write/marks.test.ts",
  },
  {
    name: "of the acks of two devices one is kept",
    red: "P29 Q7 O9 marks become due together",
    in: "test/store/write/marks.test.ts",
  },
  {
    name: "a waiting ack is forgotten behind a further one",
    red: "P29 Q7 every caller of a mark that was replaced",
    in: "test/store/write/marks.test.ts",
  },
  {
    name: "an ack reaches beyond the head",
    red: "S4 O5 an ack beyond the end of the log",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "a new send beside a retry is not announced",
    red: "S2 F1 a retry gets its first answer",
    in: "test/store/write/settle-sends.test.ts",
  },
  {
    name: "a filtered list of the undelivered has a cursor",
    red: "Q2 O3 has no cursor with the filter from",
    in: "test/store/history.test.ts",
  },
  {
    name: "an empty list of the undelivered leads back to the beginning",
    red: "Q2 an empty one has the device's own cursor",
    in: "test/store/history.test.ts",
  },
  {
    name: "a page of the undelivered says that nothing is before it",
    red: "Q4 passed messages are still listed before it",
    in: "test/store/history.test.ts",
  },
  {
    name: "a page of everything says that nothing is behind it",
    red: "Q4 passed messages are still listed before it",
    in: "test/store/history.test.ts",
  },
  {
    name: "a revocation is sent to clients",
    red: "T5 devices get every kind but revocations",
    in: "test/log/log-kinds.test.ts",
  },
  {
    name: "a page that was on its way is sent behind the end",
    red: "T5 H14 one that is stopped while it reads",
    in: "test/connection/replay.test.ts",
  },
  {
    name: "changes that an unblock brings back share one number",
    red: "O5 S7 marks that an unblock brings back",
    in: "test/store/write/writer.test.ts",
  },
  {
    name: "the presence of an unwatched user is still sent",
    red: "B6 H11 a watch that has ended",
    in: "test/hub/presence-notifier.test.ts",
  },
  {
    name: "a commit is announced during a read of the log, and again with it",
    red: "F1 F10 a commit that follows while",
    in: "test/feed/race.test.ts",
  },
  {
    name: "a read of the log overtakes the answers to the senders",
    red: "H3 entries read from the log are announced after",
    in: "test/feed/race.test.ts",
  },
  {
    name: "an announced entry that is missing is read again and again",
    red: "R1 F5 a notice of entries that do not exist",
    in: "test/feed/race.test.ts",
  },
  {
    name: "a hint that comes as a gap was read is forgotten",
    red: "O10 F5 a notice without entries that arrives",
    in: "test/feed/race.test.ts",
  },
  {
    name: "a hint that goes backwards is believed",
    red: "F5 F6 a text that is no notice is ignored",
    in: "test/feed/commit-notices.test.ts",
  },
  {
    name: "rows of a hint are believed whatever they are",
    red: "F5 F6 a text that is no notice is ignored",
    in: "test/feed/commit-notices.test.ts",
  },
  {
    name: "a user who came while a commit waited goes without it",
    red: "F21: a user who comes while a commit waits",
    in: "test/feed/divided.test.ts",
  },
  {
    name: "an ended session is known only where its user is connected",
    red: "F23: an ended session, a block and a first message",
    in: "test/feed/divided.test.ts",
  },
  {
    name: "commits are divided among nodes that do not understand it",
    red: "F22: commits are divided while there are enough nodes",
    in: "test/hub/peers.test.ts",
  },
  {
    name: "a retry is compared with a text that has changed",
    red: "S42 a message whose text has changed",
    in: "test/store/write/settle-sends.test.ts",
  },
  {
    name: "a second change of a text forgets the send",
    red: "S42 O1 a retry gets the first answer also once the text has changed",
    in: "test/store/store.test.ts",
  },
  {
    name: "a ticket outlives its session",
    red: "T6 a ticket of a session that has ended",
    in: "test/access/admit.test.ts",
  },
  {
    name: "any value but false makes a user the host",
    red: "A8 A24 a proof becomes a session",
    in: "test/access/prove.test.ts",
  },
  {
    name: "a ticket leads to a tenant of any name",
    red: "T6 K11 a ticket leads to a tenant only",
    in: "test/access/admit.test.ts",
  },
  {
    name: "the host is asked about a conversation of others",
    red: "T4 B9 it is not asked about a conversation of others",
    in: "test/access/policy.test.ts",
  },
  {
    name: "a user's presence on other nodes is remembered for ever",
    red: "H16 U1 the answer about a user on other nodes",
    in: "test/hub/cluster.test.ts",
  },
  {
    name: "an ack reaches beyond what was sent",
    red: "P30 O3 an ack beyond the frames of its connection",
    in: "test/hub/races.test.ts",
  },
  {
    name: "a read returns data that is on no disk yet",
    red: "D2 D4 a connection that is opened after an error",
    in: "test/store/reopen.test.ts",
  },
  {
    name: "a read is cut off by another one's deadline",
    red: "E25 none of them is cut off",
    in: "test/store/engine/read-queue.test.ts",
  },
  {
    name: "reads that the network has lost are all asked for again",
    red: "E22 R9 what the network has lost",
    in: "test/store/engine/read-queue.test.ts",
  },
  {
    name: "a worker sends without knowing who has the lease",
    red: "U8 without the lease, also if it ends during a look",
    in: "test/push/provider-queue.test.ts",
  },
  {
    name: "a hook is called without knowing who has the lease",
    red: "K77 a follower that cannot renew its lease",
    in: "test/hook/follower.test.ts",
  },
  {
    name: "how far a hook has got is kept in memory alone",
    red: "K67 the end of a call is on disk",
    in: "test/hook/follower.test.ts",
  },
  {
    name: "a hook that must end begins another call",
    red: "K71 an end that begins",
    in: "test/hook/run.test.ts",
  },
  {
    name: "a database is closed under a hook that has work left",
    red: "K72 a follower is busy",
    in: "test/hook/follower.test.ts",
  },
];
