import type * as v from "valibot";
import type { ChangeKind } from "../model.ts";
import type { clientFrames } from "./client-schema.ts";
import type { Limits } from "./limits.ts";
import type { changes, serverFrames } from "./server-schema.ts";

type Frozen<Value> = Value extends object ? { readonly [Key in keyof Value]: Frozen<Value[Key]> } : Value;

type AnyOf<Schemas extends Readonly<Record<string, v.GenericSchema>>> = Frozen<v.InferOutput<Schemas[keyof Schemas]>>;

/** What a client may send (PROTOCOL 4). */
export type ClientFrame = AnyOf<typeof clientFrames>;

/** A log entry as a client sees it. */
export type ClientChange<K extends ChangeKind> = Frozen<v.InferOutput<(typeof changes)[K]>>;

/** A message as a client sees it. */
export type MessageChange = ClientChange<"message">;

/** A receipt as a client sees it. */
export type ReceiptChange = ClientChange<"receipt">;

/** What a server sends (PROTOCOL 3). A client ignores what it does not know. */
export type ServerFrame = AnyOf<typeof serverFrames>;

/** The part of the limits that a client is told in `welcome`. */
export const toldLimits = (limits: Limits) => ({
  frameBytes: limits.frameBytesMax,
  textBytes: limits.textBytesMax,
  sendWindow: limits.sendWindow,
});
