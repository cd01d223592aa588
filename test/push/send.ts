import type { PushNotice, PushProvider, PushResult } from "../../src/push/provider.ts";
import { deadline } from "../support/deadline.ts";

const tag = "Zm9yYWNvbnZlcnNhdGlvbm9mYWxpY2Vz";

export const noticeTo = (token: string, more: Partial<PushNotice> = {}): PushNotice => ({
  kind: "message",
  tenant: "acme",
  user: "alice",
  device: "phone",
  token,
  conversation: "c1",
  seq: 7,
  unread: 2,
  badge: 5,
  title: "New message",
  body: "",
  data: {},
  options: {},
  key: crypto.randomUUID(),
  tag,
  ttlMs: 3_600_000,
  ...more,
});

/** Sends as the worker does, which waits for at most `withinMs`. */
export function send(
  provider: PushProvider,
  notice: PushNotice,
  options: { readonly now?: () => number; readonly withinMs?: number } = {},
): Promise<PushResult> {
  const { now = Date.now, withinMs = deadline.answerMs } = options;
  return provider.send(notice, { now, signal: AbortSignal.timeout(withinMs) });
}
