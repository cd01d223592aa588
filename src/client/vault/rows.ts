/** The data that a client keeps on its device. All of it is plain data that `structuredClone` and JSON carry. */

/** The target of an operation: a user, or a conversation that exists. */
export type Target = { readonly with: string } | { readonly conversation: string };

/** A message, known by (conversation, seq). */
export type MessageRow = {
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly from: string;
  readonly to?: string;
  readonly text: string;
  /** The server's time, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** Grows with each change of the message: an older state never replaces a newer one. Absent: it was never changed. */
  readonly version?: number;
  /** The user who deleted it. */
  readonly deleted?: string;
};

/** How far a member of a conversation has got. */
export type Marks = { readonly delivered: number; readonly read: number };

/** Seqs from the first to the last, both included. */
export type SeqRange = readonly [first: number, last: number];

/** A conversation, as far as this device knows it. */
export type ConversationRow = {
  readonly id: string;
  /** The other user. Null: it is not between two users. */
  readonly with: string | null;
  /** Its place in the list: a greater one is nearer to the top. Order never rests on clocks. */
  readonly rank: number;
  /** False: its marks and its setting are known from news alone, and what is older than that is not, until the server is asked. Absent: an earlier release wrote it. */
  readonly isListed?: boolean;
  /** The message of the greatest seq that is known. Null: only other news has come, and nobody shows it. */
  readonly last: MessageRow | null;
  /** The user's own marks. `read` also counts what this device has marked and the server has not confirmed yet. */
  readonly own: Marks;
  /** The marks of the other user. */
  readonly peer: Marks;
  /** Messages of others above the user's own read mark, up to the seq `counted`. */
  readonly unread: number;
  /** False: `unread` may be too low or too high, until the server is asked again. */
  readonly isExact: boolean;
  readonly counted: number;
  /** The seqs of the messages that this device holds, in order, apart from each other. */
  readonly ranges: readonly SeqRange[];
  readonly setting: Setting;
};

/** What the user has set for a conversation. */
export type Setting = {
  readonly muted: boolean;
  /** The end of the mute, in milliseconds since the Unix epoch. Absent: it has none. */
  readonly until?: number;
  /** How many times the server has changed it: the greater one is the newer. */
  readonly version: number;
};

/** Why an operation was refused for good. */
export type Refusal = { readonly code: string; readonly message: string };

/** An operation of the user that the server has not answered yet. Later releases add kinds. */
export type OutboxRow = {
  /** The message id (UUIDv7), the key of the operation from the keystroke on. They grow: their order is the order of writing. */
  readonly id: string;
  readonly kind: "send";
  readonly target: Target;
  readonly text: string;
  /** When the user sent it, by the clock of the device. For display. */
  readonly time: number;
  /** It may have reached the server: it can no longer be edited or cancelled. */
  readonly isTried: boolean;
  /** A bot's answer, under an id that its trigger gives: a crash may make the bot write it again, with another text. */
  readonly isReply?: true;
  /** Absent: it waits for its answer, or for a connection. */
  readonly failed?: Refusal;
};

/** A state that the user wants, kept until the server has it. One for each key: the last one counts. */
export type Wish =
  /** `id`: of the message that was seen at `seq`, so that no other message is meant after a restore of the server. */
  | {
      readonly key: string;
      readonly kind: "read";
      readonly conversation: string;
      readonly seq: number;
      readonly id: string;
    }
  | {
      readonly key: string;
      readonly kind: "mute";
      readonly conversation: string;
      readonly muted: boolean;
      readonly until?: number;
    }
  | { readonly key: string; readonly kind: "contact" | "block"; readonly user: string; readonly is: boolean };

/** What the user thinks of another one. */
export type RelationRow = { readonly user: string; readonly contact: boolean; readonly blocked: boolean };

/** The device, and how far it has stored the log. */
export type Meta = {
  /** The name of the device: made once, in the transaction that makes the database. */
  readonly device: string;
  /** Everything up to here is stored. Null: nothing yet. */
  readonly cursor: string | null;
  /** The level at which the cursor was reached. */
  readonly level: number;
  /** How often its cache was dropped by a reset. Absent: never. A tab that knows another number shows another history. */
  readonly resets?: number;
  /** The history that its rows are of. Absent: it is not known, or there are none. */
  readonly history?: string;
  /** The contacts and blocks that the server had were stored. Absent: not yet. */
  readonly isListed?: true;
  /** The user and tenant of the last `welcome`. Null before the first. */
  readonly identity: { readonly tenant: string; readonly user: string } | null;
};
