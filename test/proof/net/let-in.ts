import { type Client, connect, type ConnectOptions } from "../../support/client.ts";
import { deadline } from "../../support/deadline.ts";

const helloMsMax = 5_000;
const retryMs = 50;

/** Connects as soon as the node accepts: after a mishap it refuses as long as it has no database. */
export async function letIn(url: string, options: ConnectOptions, msMax: number = deadline.bulkMs): Promise<Client> {
  const end = performance.now() + msMax;
  for (;;) {
    try {
      return await connect(url, { ...options, withinMs: helloMsMax });
    } catch (error) {
      if (performance.now() > end) throw error;
      await Bun.sleep(retryMs);
    }
  }
}
