import { readFileSync } from "node:fs";
import type { PushConfig } from "./config-push.ts";
import { named } from "./config-variable.ts";
import { ChatError } from "../error.ts";
import { fcm } from "../push/provider/fcm.ts";
import { oneSignal } from "../push/provider/onesignal.ts";
import { webhook } from "../push/provider/webhook.ts";
import { webPush } from "../push/provider/webpush.ts";
import type { PushProvider } from "../push/provider.ts";

/**
 * The push providers that the environment names.
 *
 * @throws ChatError `config_invalid`: a provider refuses a value; the text names the variable and does not show the value.
 */
export function pushProviders(config: PushConfig): readonly PushProvider[] {
  const providers: PushProvider[] = [];
  const { fcm: account, oneSignal: app, webPush: keys, webhook: hook } = config;
  if (account)
    providers.push(
      named("FCM_SERVICE_ACCOUNT", () => fcm({ ...account, serviceAccount: accountOf(account.serviceAccount) })),
    );
  if (app) providers.push(named("ONESIGNAL_APP_ID, ONESIGNAL_API_KEY", () => oneSignal(app)));
  if (keys) providers.push(named("VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT", () => webPush(keys)));
  if (hook) providers.push(named("PUSH_WEBHOOK_URL, PUSH_WEBHOOK_SECRET", () => webhook(hook)));
  return providers;
}

/** JSON begins with a brace, and a path does not. */
function accountOf(text: string): string {
  if (text.trimStart().startsWith("{")) return text;
  try {
    return readFileSync(text, "utf8");
  } catch (cause) {
    throw new ChatError("config_invalid", "It is neither JSON nor a file that can be read", { cause });
  }
}
