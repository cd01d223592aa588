import { generateVapidKeys } from "../push/provider/vapid-keys.ts";
import { command } from "./command.ts";

export const vapidCommand = command(
  "vapid",
  "Makes the keys of Web Push, as lines for the environment (docs/web-push.md)",
  {},
  async () => {
    const { publicKey, privateKey } = await generateVapidKeys();
    console.log(`VAPID_PUBLIC_KEY=${publicKey}\nVAPID_PRIVATE_KEY=${privateKey}`);
  },
);
