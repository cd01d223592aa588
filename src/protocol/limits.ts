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
  /** Bytes of text in such a page, counted separately for received and sent messages: the amount that is encoded in one turn of the event loop. */
  pageBytesMax: 131_072,
  /** The same for a range of the whole log, which a node reads when it missed commits. */
  stretchBytesMax: 262_144,
  /** Bytes that may wait to go out on one connection (SPEC R3); past it the log is the buffer. */
  outboxBytesMax: 262_144,
  /**
   * The same over all connections of the process: 1 024 stopped readers hold this much, a quarter of a small machine's memory.
   * From half of it on, a connection that has not taken its last frames gets no more, and one that takes nothing is closed with 4413.
   */
  outboxTotalBytesMax: 268_435_456,
  /** Bytes of frames read but not yet handled: twice the amount that one read of the operating system may deliver at once. */
  inboxBytesMax: 1_048_576,
  /** Bad frames in a minute before the connection closes with 4400 (PROTOCOL 4). */
  badFramesPerMinuteMax: 10,
  /** Between two pings; a peer silent for twice this time is closed with 4408 (PROTOCOL 6). */
  heartbeatMs: 25_000,
  /** How long a reader may leave its buffer full before it is closed with 4413. */
  slowConsumerMs: 120_000,
  /** Sends in one commit: bounds how long a commit may hold the event loop. */
  commitSendsMax: 2_048,
  /** Senders with at most this many sends in the last second or two are treated as interactive: their messages go into short commits. */
  lightSendsMax: 8,
  /** Sends of all others in one commit while interactive senders are active: 128 already use the disk nearly as well as more would. */
  commitHeavySendsMax: 128,
  /** The same in bytes of text: a few milliseconds. */
  commitHeavyBytesMax: 65_536,
  /** Bytes of text in one commit, as the JSON that carries them: a disk and the event loop handle this in some ten milliseconds. */
  commitBytesMax: 524_288,
  /** Sends waiting for a commit, over all connections; past it they are answered `unavailable`. */
  commitQueueMax: 65_536,
  /** Acks, and reads, in one commit, for the same reason. */
  commitMarksMax: 500,
  /** New devices in one commit: if their users have the maximum, each of their devices is examined. */
  commitDevicesMax: 50,
  /** Rows of relations that are counted in one commit, for all users together. */
  commitRelationRowsMax: 20_000,
  /** How long acks and reads gather before they are committed together. */
  marksDelayMs: 100,
  /** The same for an ack of receipts alone, or of messages to many: whoever is sent a receipt twice loses nothing, and after each message both people ack one. */
  quietMarksDelayMs: 2_000,
  /** For how many messages the acks of one commit may look; each user has an equal part, the rest follow in the next ones. */
  ackMessagesMax: 1_000,
  /** Devices of one user: as many as may be connected. Beyond that, the one that was not seen for longest is forgotten. */
  devicesPerUserMax: 100,
  /** The minimum time between two notes that a device was seen, so that its acks cost no more. */
  deviceSeenEveryMs: 3_600_000,
  /** A device that was not seen for this long (90 days) is forgotten, unless it has a push address or has acked the most of its user's devices. */
  deviceForgetMs: 7_776_000_000,
  /** The pause of the sweep that forgets devices, and how many of them it looks at each time. */
  deviceSweepMs: 60_000,
  deviceSweepRowsMax: 500,
  /** If all changes were left out on a connection, it gets an empty `changes` within a second (PROTOCOL 3.3). */
  emptyChangesDelayMs: 400,
  /** After a failed commit the store is probed soon, then at growing intervals up to this one. */
  storeProbeMs: 1_000,
  /** Messages, or conversations, in one answer over HTTP (PROTOCOL 5). */
  answerRowsMax: 200,
  /** Texts in one answer over HTTP, as JSON, beyond the first message. A page that is cut by it answers `more`. */
  answerBytesMax: 524_288,
  /** Rows that one filtered query examines before it answers `more`: a few milliseconds of the event loop. */
  historyRowsMax: 2_000,
  /** Ids in one query: they and its `next` fit together into a URL of 16 KiB. */
  queryIdsMax: 100,
  /** Messages that one page of the list of conversations counts one by one for `unread`, before it ends. */
  pageUnreadRowsMax: 5_000,
  /** Messages that are counted one by one for the `unread` of one conversation. */
  unreadRowsMax: 20_000,
  /**
   * Units of work (`costs.ts`) that may begin in one turn of the event loop, of the work that can wait: frames other than messages, pages of the log,
   * requests that read. About as many microseconds.
   */
  turnUnitsMax: 3_000,
  /** Users that one connection may watch: more than an open list of chats shows. */
  watchedUsersMax: 500,
  /** The same over all connections of the process: each costs about half a kilobyte, so together less than `outboxTotalBytesMax`. */
  watchedUsersTotalMax: 400_000,
  /** From half of that on, the users that one connection may watch: a screenful. So a few connections that watch many do not lock others out. */
  watchedUsersScarceMax: 50,
  /** How long a user is still online after the last connection closed: the time that a phone takes to change networks. */
  presenceGraceMs: 10_000,
  /** How often `lastSeen` of a connected user is stored: a crash loses at most this much of it. */
  seenEveryMs: 600_000,
  /** The time from a user's connecting to the first store of `lastSeen`: a crash before that leaves the earlier value. */
  seenFirstMs: 60_000,
  /** Contacts and blocks of one user together, removed ones included: the user's devices must still receive the removal. */
  relationsMax: 10_000,
  /** How long the host's `authenticate` and its own rules (`authorize`, `canSee`) may take to answer, in milliseconds. */
  hostAnswerMs: 5_000,
  /** How often the host's `revalidate`, if given, is called for the session of an open socket. */
  revalidateMs: 25_000,
  /** Contacts that one request may add. */
  contactsAtOnceMax: 50,
  /** The members of a group. */
  groupMembersMax: 100_000,
  /** In groups of up to so many members, all of them are told how far each has got and read it. */
  groupReceiptsMax: 64,
  /** The members that a message mentions by name. */
  mentionsMax: 50,
  /** The users that one request makes or adds as members, besides who asks. */
  groupAddMax: 100,
  /** The groups of a user, also those that they have left: resume looks at each of them. */
  groupsPerUserMax: 2_000,
  /** The name of a group, and its data as JSON: in bytes of UTF-8. */
  groupNameBytesMax: 256,
  groupDataBytesMax: 4_096,
  /** The invitations of a group that have not expired. */
  groupInvitesMax: 500,
  /** How long an invitation is valid, if its maker does not say (7 days), and at most (30 days). */
  groupInviteMs: 604_800_000,
  groupInviteMsMax: 2_592_000_000,
  /** The users who may join by one invitation. */
  groupInviteUsesMax: 1_000,
  /** The head is read this often, so that a dead bus costs latency, never data. */
  headPollMs: 2_000,
  /** Characters of a commit in one message between nodes: so it stays below the 1 MB of NATS in UTF-8 too. */
  hintCharsMax: 262_144,
  /** From this number of nodes on, a commit's rows go only to the nodes on which their users are connected. With fewer, one message with all rows is less to send. */
  audienceNodesMin: 8,
  /** Open connections of this process. The standalone server lowers it to fit its limit of open files. */
  connectionsMax: 50_000,
  /** Open connections of one user. */
  connectionsPerUserMax: 100,
  /** Open connections of one address (of IPv6, of one /64): an office or a campus behind one. Addresses of this machine and of private networks are not counted. */
  connectionsPerAddressMax: 5_000,
  /** How long a ticket is valid (PROTOCOL 2). */
  ticketMs: 30_000,
  /** Unused tickets of one user that are valid at a time: tabs and devices that connect at once. */
  ticketsPerUserMax: 100,
  /** Push addresses of one user: beyond that, the one that was refreshed longest ago is deleted. */
  pushAddressesPerUserMax: 32,
  /** How long a connected device of an active user may take to ack before it is notified. */
  pushActiveDelayMs: 5_000,
  /** The same for a device that is connected and has been silent for a while: it may sleep, or be gone. */
  pushIdleDelayMs: 20_000,
  /** After this time without a frame other than `ping` and `pong` a connection is idle. */
  pushIdleAfterMs: 60_000,
  /** After this time a notification of a message is useless. */
  pushExpiryMs: 86_400_000,
  /** How long the reasons why a user was, or was not, notified are kept. */
  pushLogMs: 604_800_000,
  /** Decisions that are forgotten at a time, once they are older than that. */
  pushPrunedMax: 1_000,
  /** Addresses, other devices, and decisions in one explanation for a message: the newest. */
  pushExplainedMax: 100,
  /** Notices of a deleted address that are deleted in one commit; the rest follow in the next ones, and then the address. */
  pushNoticesGoneMax: 1_000,
  /** After this time without a sign of life from a node's push worker, another node takes over. */
  pushLeaseMs: 20_000,
  /** Users with new messages that the worker remembers; beyond that, it reads no further in the log. */
  pushUsersMax: 100_000,
  /** Requests to one provider at a time. */
  pushRequestsMax: 32,
  /** How long a provider may take to answer. */
  pushAnswerMs: 10_000,
  /** Between two tries, at first and at most. */
  pushRetryMs: 1_000,
  pushRetryMsMax: 300_000,
  /** No notice waits longer than this: a later due time comes from a clock that has been set back since. */
  pushDueMsMax: 172_800_000,
  /** Conversations that are counted for the number at the app's icon: this many of those that the user began, and this many of the others. */
  pushBadgeConversationsMax: 200,
  /** Messages that are examined for that number: there are any only if a user writes without reading. */
  pushBadgeRowsMax: 200,
  /** The same for `unread` of one notification. */
  pushUnreadRowsMax: 100,
  /** How long one call of a hook of `onMessage` may take, in milliseconds: enough for a language model or a mail server to answer. */
  hookAnswerMs: 30_000,
  /** Between two calls about one message after a failed call: at first and at most, in milliseconds. */
  hookRetryMs: 1_000,
  hookRetryMsMax: 60_000,
  /** After this time without a sign of life from a node's hook, another node takes over. */
  hookLeaseMs: 20_000,
  /** Databases that are open at a time, with one for each tenant: beyond it the one that was idle longest is closed first. */
  databasesMax: 100,
  /**
   * A database with quiet connections is closed too, once it has been open and quiet for this time: they reconnect when it is their turn again.
   * It stays open at least this long, so that many tenants who take turns cost little.
   */
  databaseStayMs: 60_000,
  /** A tenant's database that was unused for this time is closed. */
  databaseIdleMs: 300_000,
  /** Bytes of database pages that all of them together keep in memory; each has an equal part. */
  databasesCacheBytesMax: 268_435_456,
  /**
   * How long `ready()` waits for a database that cannot be opened yet, in milliseconds: longer than the shutdown of the previous process, which
   * has the file until its end. 0: it waits for the first try alone. In both cases opening is retried until it succeeds.
   */
  startMs: 15_000,
  /** How long a shutdown may take (SPEC R5). */
  shutdownMs: 10_000,
} as const;

export type Limits = { readonly [K in keyof typeof defaultLimits]: number };

/** A control character in a text takes six bytes of JSON. */
const jsonBytesPerTextByte = 6;
/** Bytes that a change needs beside its text, and that answers reserve in the outbox. */
const besideTextBytes = 32_768;

const leaseMsMin = 100;

/** Why these limits cannot work together; null where they can. */
export function validateLimits(limits: Limits): string | null {
  for (const [name, value] of Object.entries(limits))
    if (!Number.isFinite(value) || value < 0) return `${name} is ${shownValue(value)}, and must be a number from 0`;
  // A lease is checked four times while it lasts: a shorter one would be checked without a pause.
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
