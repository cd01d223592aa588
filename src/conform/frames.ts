/** The frames of PROTOCOL.md, read by themselves: the kit must not share the mistakes of a server's or a client's own schemas. */

export type Change = {
  readonly kind: string;
  readonly conversation?: string;
  readonly seq?: number;
  readonly id?: string;
  readonly from?: string;
  readonly to?: string;
  readonly text?: string;
  readonly time?: number;
  readonly user?: string;
  readonly delivered?: number;
  readonly read?: number;
  readonly contact?: boolean;
  readonly blocked?: boolean;
  readonly muted?: boolean;
  readonly until?: number;
  readonly version?: number;
};

export type Limits = { readonly frameBytes: number; readonly textBytes: number; readonly sendWindow: number };

/** A frame of a server, with all fields that the kit reads. */
export type Frame = {
  readonly type: string;
  readonly id?: string;
  readonly cursor?: string;
  readonly more?: boolean;
  readonly changes?: readonly Change[];
  readonly conversation?: string;
  readonly seq?: number;
  readonly time?: number;
  readonly duplicate?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly retry?: string;
  readonly retryAfterMs?: number;
  readonly reason?: string;
  readonly user?: string;
  readonly tenant?: string;
  readonly device?: string;
  readonly level?: number;
  readonly protocol?: number;
  readonly history?: string;
  readonly heartbeatMs?: number;
  readonly limits?: Limits;
  readonly typing?: boolean;
  readonly state?: string;
  readonly lastSeen?: number;
  readonly expiresAt?: number;
};

type Field = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Field>>;

const identifier = /^(?!\.{1,2}$)[A-Za-z0-9+\-_.@:~|]{1,128}$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isUuid = (value: unknown): value is string => typeof value === "string" && uuid.test(value.toLowerCase());
const isText: Field = (value) => typeof value === "string";
const isOpaque: Field = (value) => typeof value === "string" && value.length > 0 && value.length <= 128;
const isIdentifier: Field = (value) => typeof value === "string" && identifier.test(value);
const isConversation: Field = (value) => typeof value === "string" && value.length >= 1 && value.length <= 64;
const isLowerUuid: Field = (value) => typeof value === "string" && uuid.test(value);
const isBoolean: Field = (value) => typeof value === "boolean";
const isMark: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isSeq: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 1;
/** Milliseconds: a time in seconds or in microseconds is outside. */
const isTime: Field = (value) => Number.isSafeInteger(value) && Number(value) > 1e12 && Number(value) < 1e14;
const isOneOf =
  (...values: readonly unknown[]): Field =>
  (value) =>
    values.includes(value);
const optional =
  (field: Field): Field =>
  (value) =>
    value === undefined || field(value);

const changeShapes: Readonly<Record<string, Shape>> = {
  message: {
    ...{ conversation: isConversation, seq: isSeq, id: isLowerUuid, from: isIdentifier, to: optional(isIdentifier) },
    ...{ text: isText, time: isTime },
  },
  receipt: { conversation: isConversation, user: isIdentifier, delivered: isMark, read: isMark },
  relation: { user: isIdentifier, contact: isBoolean, blocked: isBoolean },
  setting: { conversation: isConversation, muted: isBoolean, until: optional(isTime), version: isSeq },
};

const limitsShape: Shape = { frameBytes: isSeq, textBytes: isSeq, sendWindow: isSeq };

const shapes: Readonly<Record<string, Shape>> = {
  welcome: {
    ...{ protocol: isOneOf(1), level: optional(isSeq), user: isIdentifier, tenant: optional(isIdentifier) },
    ...{ device: isIdentifier, cursor: isOpaque, time: isTime, history: optional(isOpaque), heartbeatMs: isSeq },
    limits: (value) => isObject(value) && faultOf(value, limitsShape) === null,
  },
  changes: {
    ...{ cursor: isOpaque, more: isBoolean },
    changes: (value) =>
      Array.isArray(value) && value.every((change) => isObject(change) && changeFault(change) === null),
  },
  accepted: { id: isUuid, conversation: isConversation, seq: isSeq, time: isTime, duplicate: isBoolean },
  rejected: {
    ...{ id: isUuid, code: isOpaque, message: isText, retry: isOneOf("never", "later") },
    retryAfterMs: optional(isMark),
  },
  reset: { reason: isOneOf("epoch", "level"), cursor: isOpaque },
  typing: { conversation: isConversation, user: isIdentifier, typing: isBoolean },
  presence: { user: isIdentifier, state: isOneOf("online", "offline"), lastSeen: optional(isTime) },
  pong: { id: optional(isOpaque) },
  authenticated: { expiresAt: optional(isTime), id: optional(isOpaque) },
  error: { code: isOpaque, message: isText, id: optional(isText) },
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The first field that is missing or wrong; null: none. Fields that are not described are later additions. */
function faultOf(value: Readonly<Record<string, unknown>>, shape: Shape): string | null {
  for (const [name, field] of Object.entries(shape)) if (!field(value[name])) return name;
  return null;
}

function changeFault(change: Readonly<Record<string, unknown>>): string | null {
  const shape = changeShapes[String(change["kind"])];
  return shape === undefined ? "kind" : faultOf(change, shape);
}

/** A frame as it came, or what is wrong with it. */
export function readFrame(text: string): Frame | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: `a frame is not JSON: ${text.slice(0, 200)}` };
  }
  if (!isObject(value) || typeof value["type"] !== "string")
    return { fault: `a frame has no type: ${text.slice(0, 200)}` };
  const shape = shapes[value["type"]];
  const field = shape === undefined ? "type" : faultOf(value, shape);
  if (field !== null) return { fault: `the field ${field} is not as documented in ${text.slice(0, 200)}` };
  return value as unknown as Frame;
}
