import { isIdentifier } from "../protocol/identifier.ts";

/** A message that was accepted and is on disk. */
export type AcceptedMessage = {
  readonly tenant: string;
  readonly conversation: string;
  /** Its number in the conversation, from 1. */
  readonly seq: number;
  /** Its id, which the sender has chosen: two senders may have used the same. */
  readonly id: string;
  readonly from: string;
  /** Absent: it is of a group. */
  readonly to?: string;
  readonly text: string;
  /** When it was accepted, in milliseconds since the Unix epoch. */
  readonly time: number;
};

/** One call about a message. */
export type MessageCall = {
  /** How often a call about this message has failed before, as far as this process knows. */
  readonly attempt: number;
  /** Aborted when the result of this call does not matter any more: after its deadline, at a shutdown, or when another node follows the log. */
  readonly signal: AbortSignal;
  /**
   * An id for a message that is sent because of this one: the same in each call about it, on each node. With it a repeated call sends nothing twice.
   * `purpose` distinguishes several such messages; default: empty.
   *
   * @example
   * await chat.send({ from: message.to, to: message.from, text: "Hello", id: await call.replyId() });
   */
  readonly replyId: (purpose?: string) => Promise<string>;
};

/** The host's own code for each message (docs/hooks.md). */
export type MessageHook = {
  /**
   * Names the hook's durable position in the log: 1 to 128 characters of an id. One hook needs no name; several need one each. Under another name a
   * hook begins anew. Default: `default`.
   */
  readonly name?: string;
  /**
   * Where it begins in a database that does not know it yet: `now`, with the next message that is accepted, or `start`, with the first message of the
   * log. Default: `now`.
   */
  readonly begin?: "now" | "start";
  /**
   * Called for each message in the order of the log, one after the other; at least once, and as a rule exactly once. If it throws, or does not end within
   * `limits.hookAnswerMs`, it is called again with the same message, after growing delays up to `limits.hookRetryMsMax`: no other message comes before it.
   * Catch an error that can never succeed.
   */
  readonly handle: (message: AcceptedMessage, call: MessageCall) => void | Promise<void>;
};

/** A hook with its defaults. */
export type NamedHook = Required<MessageHook>;

/** Each follows the log by itself. */
const hooksMax = 16;

/** The hooks of an option: one, or several. A hook may be an object of a class. */
export const hooksOf = (given: MessageHook | readonly MessageHook[] = []): readonly NamedHook[] =>
  [given].flat().map((hook: MessageHook) => {
    const { name = "default", begin = "now", handle } = hook;
    return { name, begin, handle: typeof handle === "function" ? handle.bind(hook) : handle };
  });

/** Why hooks are invalid; null: they are valid. The host may be plain JavaScript. */
export function validateHooks(hooks: readonly NamedHook[]): string | null {
  if (hooks.length > hooksMax) return `onMessage has ${hooks.length} hooks, and may have ${hooksMax}`;
  for (const { name, begin, handle } of hooks) {
    if (!isIdentifier(name)) return `A hook of onMessage needs a name of 1 to 128 characters, as an id has them`;
    if (typeof handle !== "function") return `The hook ${name} of onMessage needs a function handle`;
    if (!["now", "start"].includes(begin)) return `The hook ${name} of onMessage begins with "now" or "start"`;
  }
  const twice = hooks.find(({ name }, i) => hooks.findIndex((other) => other.name === name) !== i);
  return twice ? `Two hooks of onMessage have the name ${twice.name}: give each its own` : null;
}
