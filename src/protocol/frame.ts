import type * as v from "valibot";
import type { ChangeKind } from "../model.ts";
import type { clientFrames } from "./client-schema.ts";
import type { Limits } from "./limits.ts";
import type { changes, serverFrames } from "./server-schema.ts";

export type Frozen<Value> = Value extends object ? { readonly [Key in keyof Value]: Frozen<Value[Key]> } : Value;

type AnyOf<Schemas extends Readonly<Record<string, v.GenericSchema>>> = Frozen<v.InferOutput<Schemas[keyof Schemas]>>;

/** A frame from a client (PROTOCOL 4). */
export type ClientFrame = AnyOf<typeof clientFrames>;

/** A log entry as a client sees it. */
export type ClientChange<K extends ChangeKind> = Frozen<v.InferOutput<(typeof changes)[K]>>;

/** A message as a client sees it. */
export type MessageChange = ClientChange<"message">;

/** A receipt as a client sees it. */
export type ReceiptChange = ClientChange<"receipt">;

/** A frame from the server (PROTOCOL 3). A client ignores types that it does not know. */
export type ServerFrame = AnyOf<typeof serverFrames>;

/** The limits that `welcome` contains. */
export const welcomeLimits = (limits: Limits) => ({
  frameBytes: limits.frameBytesMax,
  textBytes: limits.textBytesMax,
  sendWindow: limits.sendWindow,
});
