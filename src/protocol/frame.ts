import type { ErrorCode } from "../error.ts";
import type { Message, Receipt, Relation } from "../model.ts";
import type { Limits } from "./limits.ts";

/** What a client may send (PROTOCOL 4). */
export type ClientFrame =
  | {
      readonly type: "send";
      readonly id: string;
      readonly to?: string;
      readonly conversation?: string;
      readonly text: string;
    }
  | { readonly type: "ack"; readonly cursor: string }
  | { readonly type: "read"; readonly conversation: string; readonly seq: number }
  | { readonly type: "typing"; readonly to?: string; readonly conversation?: string; readonly typing: boolean }
  | { readonly type: "watch"; readonly users: readonly string[] }
  | { readonly type: "ping"; readonly id?: string };

/** A message as a client sees it. */
export type MessageChange = { readonly kind: "message" } & Omit<Message, "n">;

/** A receipt as a client sees it. */
export type ReceiptChange = { readonly kind: "receipt" } & Omit<Receipt, "n">;

/** What the user has said of another one, on any of their devices, as a client sees it. */
export type RelationChange = { readonly kind: "relation" } & Omit<Relation, "n">;

/** What a server sends (PROTOCOL 3). A client ignores what it does not know. */
export type ServerFrame =
  | {
      readonly type: "welcome";
      readonly protocol: 1;
      readonly user: string;
      readonly device: string;
      readonly cursor: string;
      readonly time: number;
      readonly heartbeatMs: number;
      readonly limits: { readonly frameBytes: number; readonly textBytes: number; readonly sendWindow: number };
    }
  | {
      readonly type: "changes";
      readonly cursor: string;
      readonly more: boolean;
      readonly changes: readonly (MessageChange | ReceiptChange | RelationChange)[];
    }
  | {
      readonly type: "accepted";
      readonly id: string;
      readonly conversation: string;
      readonly seq: number;
      readonly time: number;
      readonly duplicate: boolean;
    }
  | {
      readonly type: "rejected";
      readonly id: string;
      readonly code: ErrorCode;
      readonly message: string;
      readonly retry: "never" | "later";
      readonly retryAfterMs?: number;
    }
  | { readonly type: "reset"; readonly reason: "epoch"; readonly cursor: string }
  | { readonly type: "typing"; readonly conversation: string; readonly user: string; readonly typing: boolean }
  | { readonly type: "presence"; readonly user: string; readonly state: "online" }
  | {
      readonly type: "presence";
      readonly user: string;
      readonly state: "offline";
      /** Milliseconds since the Unix epoch, rounded down to the minute; absent where it is not known, or not for the one who asks. */
      readonly lastSeen?: number;
    }
  | { readonly type: "pong"; readonly id?: string }
  | { readonly type: "error"; readonly code: ErrorCode; readonly message: string; readonly id?: string };

/** The part of the limits that a client is told in `welcome`. */
export const toldLimits = (limits: Limits) => ({
  frameBytes: limits.frameBytesMax,
  textBytes: limits.textBytesMax,
  sendWindow: limits.sendWindow,
});
