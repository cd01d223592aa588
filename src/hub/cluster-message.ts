import { isRowsText } from "../feed/notice-text.ts";
import type { Identity } from "../model.ts";

/** A device with which a user is connected to a node, and the milliseconds since the user last did something with it. */
export type DeviceHere = readonly [device: string, idleMs: number];

/** The message has the fields of its text, and a `type`, which the text has not. `node`, `ask` and `check` are the name of its sender. */
export type ClusterMessage =
  /** A volatile frame for the connections of a user that have at least this level; absent: for all of them. */
  | { readonly type: "frame"; readonly frame: string; readonly level?: number }
  /** Asks the nodes on which a user is for an `answer`. */
  | { readonly type: "ask"; readonly ask: string }
  /** The user is here, with these devices. */
  | ({ readonly type: "answer"; readonly node: string; readonly devices: readonly DeviceHere[] } & Identity)
  /** Asks one node, on which a user was said to be, for `gone` if that is no longer so. */
  | ({ readonly type: "check"; readonly check: string } & Identity)
  /** The user is not here. */
  | ({ readonly type: "gone"; readonly node: string; readonly gone: true } & Identity)
  /** The user has come here, or has left for good. */
  | { readonly type: "presence"; readonly node: string; readonly online: boolean }
  /** The node lives. `divided`: it understands divided commits. */
  | { readonly type: "alive"; readonly node: string; readonly divided?: true };

/** The text of a message, as nodes of all releases write it. */
export const encodeMessage = ({ type: _, ...text }: ClusterMessage): string => JSON.stringify(text);

/** The message of a text; null: it is none of ours. */
export function decodeMessage(text: string): ClusterMessage | null {
  // Rows for a user's nodes come on the same subject.
  if (isRowsText(text)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { frame, ask, check, node, tenant, user, gone, devices, online, divided, level }: Record<string, unknown> = {
    ...value,
  };
  const identity = typeof tenant === "string" && typeof user === "string" ? { tenant, user } : null;
  if (typeof frame === "string") return { type: "frame", frame, ...(typeof level === "number" && { level }) };
  if (typeof ask === "string") return { type: "ask", ask };
  if (typeof check === "string") return identity && { type: "check", check, ...identity };
  if (typeof node !== "string") return null;
  if (identity && gone === true) return { type: "gone", node, ...identity, gone };
  if (identity && Array.isArray(devices))
    return { type: "answer", node, ...identity, devices: devices.filter(isDevice) };
  if (online !== undefined) return { type: "presence", node, online: online === true };
  return { type: "alive", node, ...(divided === true && { divided }) };
}

const isDevice = (value: unknown): value is DeviceHere =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number";
