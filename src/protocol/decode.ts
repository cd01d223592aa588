import * as v from "valibot";
import { utf8Bytes } from "../internal/utf8.ts";
import type { ErrorCode } from "../error.ts";
import type { Mentions } from "../model.ts";
import { clientFrames } from "./client-schema.ts";
import type { ClientFrame } from "./frame.ts";
import { identifierRule, isIdentifier, isMessageId } from "./identifier.ts";
import type { Limits } from "./limits.ts";
import { shapeFault } from "./shape-fault.ts";

type Refusal = { readonly code: ErrorCode; readonly message: string };

export type Decoded =
  | { readonly ok: true; readonly frame: ClientFrame }
  /** Not a frame of this protocol; answered with `error`. */
  | ({ readonly ok: false; readonly kind: "bad"; readonly id?: string } & Refusal)
  /** A send with unacceptable content; answered with `rejected`. */
  | ({ readonly ok: false; readonly kind: "rejected"; readonly id: string } & Refusal);

const bad = (message: string, id?: string): Decoded => ({
  ok: false,
  kind: "bad",
  code: "bad_frame",
  message,
  ...(id === undefined ? {} : { id }),
});

const isFrameType = (type: unknown): type is keyof typeof clientFrames =>
  typeof type === "string" && Object.hasOwn(clientFrames, type);

/** Reads one frame of a client. Never throws; the result holds only fields that passed a schema. */
export function decodeFrame(data: string | Uint8Array, limits: Limits): Decoded {
  if (typeof data !== "string") return bad("Frames are JSON text, not binary");
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return bad("The frame is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return bad("The frame is not a JSON object");
  const type = "type" in value ? value.type : undefined;
  if (!isFrameType(type)) return bad("The frame's type is not known");
  const parsed = v.safeParse(clientFrames[type], value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const id = "id" in value && typeof value.id === "string" && isMessageId(value.id) ? value.id : undefined;
    return bad(`The ${type} frame is malformed${shapeFault(issue)}`, id);
  }
  const frame: ClientFrame = parsed.output;
  if (frame.type === "send") {
    const refusal = validateContent(frame, limits);
    if (refusal) return { ok: false, kind: "rejected", id: frame.id, ...refusal };
  }
  if (frame.type === "watch" && frame.users.length > limits.watchedUsersMax)
    return bad(`The watch frame names ${frame.users.length} users, at most ${limits.watchedUsersMax} are watched`);
  return { ok: true, frame };
}

export type Content = {
  readonly text: string;
  readonly to?: string | undefined;
  readonly mentions?: Mentions | undefined;
};

/** Why a text, a recipient or mentions are refused; null if all are valid. */
export function validateContent({ text, to, mentions }: Content, limits: Limits): Refusal | null {
  if (mentions !== undefined && to !== undefined)
    return { code: "bad_frame", message: "Only members of a group are mentioned" };
  if (mentions !== undefined && mentions !== "all" && mentions.length > limits.mentionsMax)
    return { code: "too_large", message: `A message mentions at most ${limits.mentionsMax} members` };
  if (to !== undefined && !isIdentifier(to))
    return { code: "invalid_recipient", message: `A recipient is ${identifierRule}` };
  if (text === "") return { code: "bad_frame", message: "The text is empty" };
  // The store would cut the text at a NUL and replace a lone surrogate, so both are refused here.
  if (text.includes("\0")) return { code: "bad_frame", message: "The text has a NUL character" };
  if (!text.isWellFormed()) return { code: "bad_frame", message: "The text has a lone surrogate" };
  const bytes = utf8Bytes(text);
  if (bytes > limits.textBytesMax)
    return {
      code: "too_large",
      message: `The text is ${bytes} bytes of UTF-8, at most ${limits.textBytesMax} are taken`,
    };
  return null;
}
