import { shownValue } from "../internal/shown-value.ts";

/** Every limit in one table, its unit in its name, its reason beside it. A host may override any of them. */
export const defaultLimits = {
  /** A frame from a client, in bytes of UTF-8 (PROTOCOL 1). */
  frameBytesMax: 65_536,
  /** The text of a message, in bytes of UTF-8 (PROTOCOL 1). */
  textBytesMax: 16_384,
  /** Sends of one connection that may wait unanswered (PROTOCOL 4). */
  sendWindow: 64,
  /** A `changes` frame, unless a single change is larger (PROTOCOL 3). */
  changesBytesMax: 65_536,
  /** Changes read from the store at a time: about one frame's worth of ordinary messages. */
  pageChangesMax: 256,
  /** Bytes of text in such a page, received and sent each by themselves: what is encoded in one turn of the event loop. */
  pageBytesMax: 131_072,
  /** The same of a stretch of the whole log, which a node reads where it missed commits. */
  stretchBytesMax: 262_144,
  /** Bytes that may wait to go out on one connection (SPEC R3); past it the log is the buffer. */
  outboxBytesMax: 262_144,
  /**
   * The same over all connections of the process: what 1 024 stopped readers hold, a quarter of a small machine's memory.
   * From its half on, who does not take what it was sent gets no more, and is closed with 4413 when it takes nothing.
   */
  outboxTotalBytesMax: 268_435_456,
  /** Bytes of frames read but not yet handled: what one read of the operating system may deliver at once, twice over. */
  inboxBytesMax: 1_048_576,
  /** Bad frames in a minute before the connection closes with 4400 (PROTOCOL 4). */
  badFramesPerMinuteMax: 10,
  /** Between two pings; a peer silent for twice as long is closed with 4408 (PROTOCOL 6). */
  heartbeatMs: 25_000,
  /** How long a reader may leave its buffer full before it is closed with 4413. */
  slowConsumerMs: 120_000,
  /** Sends in one commit: bounds how long a commit may hold the event loop. */
  commitSendsMax: 2_048,
  /** Who has sent no more than this in the last second or two writes as a person does, and waits for short commits only. */
  lightSendsMax: 8,
  /** Sends of all others in one commit while such people are about: 128 already use the disk as well as most do. */
  commitHeavySendsMax: 128,
  /** The same in bytes of text: a few milliseconds. */
  commitHeavyBytesMax: 65_536,
  /** Bytes of text in one commit, as the JSON that carries them: what a disk and the event loop take in some ten milliseconds. */
  commitBytesMax: 524_288,
  /** Sends waiting for a commit, over all connections; past it they are answered `unavailable`. */
  commitQueueMax: 65_536,
  /** Acks, and reads, in one commit, for the same reason. */
  commitMarksMax: 500,
  /** New devices in one commit: where their users have as many as they may, each of them is looked at. */
  commitDevicesMax: 50,
  /** Rows of relations that are counted in one commit, whoever has them. */
  commitRelationRowsMax: 20_000,
  /** How long acks and reads gather before they are committed together. */
  marksDelayMs: 100,
  /** Messages that all acks of one commit together may mark as delivered; each user has an equal part, the rest follow in the next ones. */
  ackMessagesMax: 1_000,
  /** Devices of one user: as many as may be connected. Of more the one that was not seen for longest is forgotten. */
  devicesPerUserMax: 100,
  /** It is noted at most this often that a device was seen, so that its acks cost no more. */
  deviceSeenEveryMs: 3_600_000,
  /** A connection whose changes were all left out gets an empty `changes` within a second (PROTOCOL 3.3). */
  emptyChangesDelayMs: 400,
  /** After a failed commit the store is asked again soon, then later and later, at last this often. */
  storeProbeMs: 1_000,
  /** Messages, or conversations, in one answer over HTTP (PROTOCOL 5). */
  answerRowsMax: 200,
  /** Texts in one answer over HTTP, as JSON: what a page holds beyond its first message. A smaller page says `more`. */
  answerBytesMax: 524_288,
  /** Rows that one filtered query looks at before it says `more`: a few milliseconds of the event loop. */
  historyRowsMax: 2_000,
  /** Ids in one query: they and its `next` fit together into an address of 16 KiB. */
  queryIdsMax: 100,
  /** Messages that one page of the list of conversations counts one by one for `unread`, before it ends. */
  pageUnreadRowsMax: 5_000,
  /** Messages that are counted one by one for the `unread` of one conversation. */
  unreadRowsMax: 20_000,
  /**
   * Units of work (`costs.ts`) that may begin in one turn of the event loop of what can wait: frames but for messages, pages of the log,
   * requests that read. About so many microseconds.
   */
  turnUnitsMax: 3_000,
  /** Users whose presence one connection may watch: more than anybody's open list of chats shows. */
  watchedUsersMax: 500,
  /** The same over all connections of the process: each costs about half a kilobyte, so together less than what may wait to go out. */
  watchedUsersTotalMax: 400_000,
  /** From half of that on, what one connection may watch: a screen full. So a few who watch many keep nobody from watching. */
  watchedUsersScarceMax: 50,
  /** How long a user whose last connection went is still online: what a phone takes to change networks. */
  presenceGraceMs: 10_000,
  /** How often it is noted that a user who stays connected was seen: what a crash may take from it. */
  seenEveryMs: 600_000,
  /** How soon after a user came this is noted for the first time: a crash before that leaves when they were seen before. */
  seenFirstMs: 60_000,
  /** Contacts and blocks of one user together, those that were taken back too: their devices still have to learn of it. */
  relationsMax: 10_000,
  /** How long the host's `authenticate` and its own rules (`authorize`, `canSee`) may take to answer, in milliseconds. */
  hostAnswerMs: 5_000,
  /** How often the host is asked whether the session of an open socket still holds, where it wants to be. */
  revalidateMs: 25_000,
  /** Contacts that one request may add. */
  contactsAtOnceMax: 50,
  /** The head is read this often, so that a dead bus costs latency, never data. */
  headPollMs: 2_000,
  /** What one message between nodes carries of a commit, in characters: so it stays below the 1 MB of NATS in UTF-8 too. */
  hintCharsMax: 262_144,
  /** Open connections of this process. The standalone server lowers it to what its limit of open files has room for. */
  connectionsMax: 50_000,
  /** Open connections of one user. */
  connectionsPerUserMax: 100,
  /** Open connections of one address (of IPv6, of one /64): an office or a campus behind one. Addresses of this machine and of private networks are not counted. */
  connectionsPerAddressMax: 5_000,
  /** How long a ticket is good (PROTOCOL 2). */
  ticketMs: 30_000,
  /** Unused tickets of one user that are good at a time: tabs and devices that connect at once. */
  ticketsPerUserMax: 100,
  /** Push addresses of one user: what was longest not refreshed gives way. */
  pushAddressesPerUserMax: 32,
  /** How long a connected device of somebody who is active may take to ack before it is notified. */
  pushActiveDelayMs: 5_000,
  /** The same for one that is connected and has been silent for a while: it may sleep, or be gone. */
  pushIdleDelayMs: 20_000,
  /** After so long without a frame other than `ping` and `pong` a connection is idle. */
  pushIdleAfterMs: 60_000,
  /** After so long a notification of a message is worthless. */
  pushExpiryMs: 86_400_000,
  /** How long it is kept why somebody was, or was not, notified. */
  pushLogMs: 604_800_000,
  /** Decisions that are forgotten at a time, once they are older than that. */
  pushPrunedMax: 1_000,
  /** Addresses, other devices, and decisions, that one answer of why tells of a message: the newest. */
  pushExplainedMax: 100,
  /** Notices of an address that goes, in one commit; the rest follow in the next ones, and then the address. */
  pushNoticesGoneMax: 1_000,
  /** A node whose worker gave no sign of life for so long is taken over from. */
  pushLeaseMs: 20_000,
  /** Users of whom the worker remembers that there is something for them; while there are more, it reads no further in the log. */
  pushUsersMax: 100_000,
  /** Requests to one provider at a time. */
  pushRequestsMax: 32,
  /** How long a provider may take to answer. */
  pushAnswerMs: 10_000,
  /** Between two tries, at first and at most. */
  pushRetryMs: 1_000,
  pushRetryMsMax: 300_000,
  /** Later than this nothing waits: such a time is from a clock that has been set back since. */
  pushDueMsMax: 172_800_000,
  /** Conversations, of those that somebody was first in and of the others, whose unread messages are counted for the number at the app's icon. */
  pushBadgeConversationsMax: 200,
  /** Messages that are looked at for that number: only where somebody writes without reading are there any. */
  pushBadgeRowsMax: 200,
  /** The same for `unread` of one notification. */
  pushUnreadRowsMax: 100,
  /** How long one call of a hook of `onMessage` may take, in milliseconds: an answer of a language model, a mail server. */
  hookAnswerMs: 30_000,
  /** Between two calls about one message, where a call fails: at first and at most, in milliseconds. */
  hookRetryMs: 1_000,
  hookRetryMsMax: 60_000,
  /** A node of whose hook nothing was seen for so long is taken over from. */
  hookLeaseMs: 20_000,
  /** Databases that are open at a time, where each tenant has one: beyond it whichever was idle longest is closed first. */
  databasesMax: 100,
  /**
   * One whose connections do nothing gives way too, once it has been open and quiet for so long: they come back to it when it is their turn again.
   * So long it stays at least, so that many tenants who take turns cost little.
   */
  databaseStayMs: 60_000,
  /** Such a database that nobody has needed for so long is closed. */
  databaseIdleMs: 300_000,
  /** What all of them together keep of their pages in memory; each has an equal part. */
  databasesCacheBytesMax: 268_435_456,
  /**
   * How long `ready()` waits for a database that cannot be opened yet, in milliseconds: longer than the shutdown of the process before, which
   * has the file until its end. 0: it waits for the first try alone. Either way it is tried again until it is open.
   */
  startMs: 15_000,
  /** How long a shutdown may take (SPEC R5). */
  shutdownMs: 10_000,
} as const;

export type Limits = { readonly [K in keyof typeof defaultLimits]: number };

/** A text of control characters takes six bytes of JSON for each of its own. */
const jsonBytesPerTextByte = 6;
/** What a change needs beside its text, and what answers keep of the room to go out. */
const besideTextBytes = 32_768;

const leaseMsMin = 100;

/** Why these limits cannot work together; null where they can. */
export function validateLimits(limits: Limits): string | null {
  for (const [name, value] of Object.entries(limits))
    if (!Number.isFinite(value) || value < 0) return `${name} is ${shownValue(value)}, and must be a number from 0`;
  // A lease is looked at four times while it lasts: a shorter one would be looked at without a pause.
  for (const name of ["pushLeaseMs", "hookLeaseMs"] as const)
    if (limits[name] < leaseMsMin) return `${name} is ${limits[name]}, and must be at least ${leaseMsMin}`;
  if (limits.databasesMax < 1) return `databasesMax is ${limits.databasesMax}, and must be at least 1`;
  const changeBytes = jsonBytesPerTextByte * limits.textBytesMax;
  const neededBytes = Math.max(limits.changesBytesMax, changeBytes) + besideTextBytes;
  // With less, the largest frame of changes would wait for room that never comes.
  if (limits.outboxBytesMax < neededBytes)
    return `outboxBytesMax is ${limits.outboxBytesMax}, and must be at least ${neededBytes} for this changesBytesMax and textBytesMax`;
  return null;
}
