import { generateVapidKeys } from "../push/provider/vapid-keys.ts";
import { command } from "./command.ts";

export const vapidCommand = command({
  description: "Makes the keys of Web Push, as lines for the environment (docs/web-push.md)",
  args: {},
  async run() {
    const { publicKey, privateKey } = await generateVapidKeys();
    console.log(`VAPID_PUBLIC_KEY=${publicKey}\nVAPID_PRIVATE_KEY=${privateKey}`);
  },
});
