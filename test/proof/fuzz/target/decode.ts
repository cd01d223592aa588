import fc from "fast-check";
import { type Decoded, decodeFrame } from "../../../../src/protocol/decode.ts";
import { defaultLimits } from "../../../../src/protocol/limits.ts";
import { frameText } from "../frame-text.ts";
import { createTarget, type Target, type Verdict } from "../target.ts";

type Decode = typeof decodeFrame;
type Is = (value: unknown) => boolean;

const isUser: Is = (value) => typeof value === "string" && /^(?!\.{1,2}$)[A-Za-z0-9+\-_.@:~|]{1,128}$/.test(value);
const isConversation: Is = (value) => typeof value === "string" && /^[^]{1,64}$/u.test(value);
const isId: Is = (value) => typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
const isOpaque: Is = (value) => typeof value === "string" && /^[^]{1,128}$/u.test(value);
const isText: Is = (value) =>
  typeof value === "string" &&
  value.isWellFormed() &&
  !value.includes("\0") &&
  value !== "" &&
  Buffer.byteLength(value) <= 16_384;

/** PROTOCOL 4 again, independent of the decoder. A `?` marks an optional field, `|` one of two. */
const fields: Readonly<Record<string, Readonly<Record<string, Is>>>> = {
  send: { type: is("send"), id: isId, to: isUser, conversation: isConversation, text: isText },
  ack: { type: is("ack"), cursor: isOpaque },
  read: {
    type: is("read"),
    conversation: isConversation,
    seq: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
  typing: {
    type: is("typing"),
    to: isUser,
    conversation: isConversation,
    typing: (value) => typeof value === "boolean",
  },
  watch: {
    type: is("watch"),
    users: (value) => Array.isArray(value) && value.length <= 500 && value.every((user) => isUser(user)),
  },
  authenticate: {
    type: is("authenticate"),
    token: (value) => typeof value === "string" && /^[!-~]{1,8192}$/.test(value),
    id: isOpaque,
  },
  ping: { type: is("ping"), id: isOpaque },
};

function is(wanted: string): Is {
  return (value) => value === wanted;
}

/** The fault of an accepted frame. */
function wrongWith(frame: object, data: string): Verdict {
  const names = Reflect.ownKeys(frame).map(String).sort();
  const type: unknown = Reflect.get(frame, "type");
  const shape = typeof type === "string" && Object.hasOwn(fields, type) ? fields[type] : undefined;
  if (shape === undefined) return `let a frame of the unknown type ${String(type)} through`;
  if (Object.getPrototypeOf(frame) !== Object.prototype) return "made a frame of another prototype";
  for (const name of names) {
    if (!Object.hasOwn(shape, name)) return `let the unknown field ${name} through`;
    if (shape[name]?.(Reflect.get(frame, name)) !== true) return `let a malformed ${name} through`;
  }
  if ("to" in shape && names.includes("to") === names.includes("conversation")) return "took two targets, or none";
  const needed = Object.keys(shape).filter(
    (name) => name !== "to" && name !== "conversation" && !["ping", "authenticate"].includes(String(type)),
  );
  for (const name of needed) if (!names.includes(name)) return `did without ${name}`;
  // A sent field that is missing in the frame was ignored although its sender relied on it: it had to be refused.
  const sent: unknown = JSON.parse(data);
  const given = typeof sent === "object" && sent !== null ? Reflect.ownKeys(sent).map(String).sort() : [];
  return given.join() === names.join() ? null : `ignored fields of ${given.join(", ")}`;
}

function judge(data: string | Uint8Array, decode: Decode): Verdict {
  const decoded: Decoded = decode(data, defaultLimits);
  if (decoded.ok) return typeof data === "string" ? wrongWith(decoded.frame, data) : "took bytes for a frame";
  const codes = decoded.kind === "bad" ? ["bad_frame"] : ["bad_frame", "too_large", "invalid_recipient"];
  if (!codes.includes(decoded.code)) return `answered the code ${decoded.code}`;
  if (decoded.id !== undefined && !isId(decoded.id)) return "answered an id that is none";
  if (decoded.kind === "rejected" && decoded.id === undefined) return "rejected without an id";
  return decoded.message.length > 200 ? "answered more than a sentence" : null;
}

/** Frames of a client, out of any text and any bytes. */
export const decodeTarget = (decode: Decode = decodeFrame): Target =>
  createTarget({
    name: "decode",
    inputs: fc.oneof({ weight: 20, arbitrary: frameText }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) }),
    judge: (data) => judge(data, decode),
  });
