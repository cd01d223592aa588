import { base64url } from "jose";
import { sha256 } from "../internal/sha256.ts";
import type { Due } from "../store/push/due-store.ts";
import type { PushNotice } from "./provider.ts";

type Keyed = { readonly kind: PushNotice["kind"]; readonly seq: number; readonly history: string };

/**
 * The UUID of a request for one address, conversation and message. A repeat after a crash has the same one, so that a provider can ignore it. It
 * includes the user, because the number and the token of a deleted address may belong to the next one; and the message's id, or for a clear the
 * name of the history, because after a restore another message may have the same seq.
 */
export async function keyOf(
  { address, hash, user, conversation, message }: Due,
  { kind, seq, history }: Keyed,
): Promise<string> {
  const one = kind === "message" ? (message?.id ?? "") : history;
  const hex = await sha256(`${kind} ${address} ${hash} ${user} ${conversation} ${seq} ${one}`);
  // A UUID of our own making (RFC 9562 version 8).
  const variant = ((parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16);
  return [
    ...[hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`],
    ...[`${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)],
  ].join("-");
}

/** The tag of a conversation: a newer notification replaces an older one. A provider learns nothing from it. As long as a Topic may be (RFC 8030 section 5.4). */
export async function tagOf({ tenant, conversation }: Pick<Due, "tenant" | "conversation">): Promise<string> {
  const hex = await sha256(`${tenant} ${conversation}`);
  return base64url.encode(Uint8Array.from({ length: 24 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)));
}
