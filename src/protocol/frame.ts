import type * as v from "valibot";
import type { clientFrames } from "./client-schema.ts";
import type { Limits } from "./limits.ts";
import type { message, receipt, relation, serverFrames } from "./server-schema.ts";

type Frozen<Value> = Value extends object ? { readonly [Key in keyof Value]: Frozen<Value[Key]> } : Value;

type AnyOf<Schemas extends Readonly<Record<string, v.GenericSchema>>> = Frozen<v.InferOutput<Schemas[keyof Schemas]>>;

/** A frame from a client (PROTOCOL 4). */
export type ClientFrame = AnyOf<typeof clientFrames>;

/** A message as a client sees it. */
export type MessageChange = Frozen<v.InferOutput<typeof message>>;

/** A receipt as a client sees it. */
export type ReceiptChange = Frozen<v.InferOutput<typeof receipt>>;

/** The user's contact or block of another user, set on any of their devices, as a client sees it. */
export type RelationChange = Frozen<v.InferOutput<typeof relation>>;

/** A frame from the server (PROTOCOL 3). A client ignores types that it does not know. */
export type ServerFrame = AnyOf<typeof serverFrames>;

/** The limits that `welcome` contains. */
export const welcomeLimits = (limits: Limits) => ({
  frameBytes: limits.frameBytesMax,
  textBytes: limits.textBytesMax,
  sendWindow: limits.sendWindow,
});
