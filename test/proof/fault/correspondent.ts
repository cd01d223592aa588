import { randomUUID } from "node:crypto";
import { type Client, connect } from "../../support/client.ts";
import type { Event } from "../checker/checker.ts";
import { readHistory } from "../checker/read-history.ts";

type Waiting = { readonly id: string; readonly text: string };

/** A user who writes to another through any failure, with a durable outbox, and logs it for the checker. */
export function createCorrespondent(user: string, peer: string, events: Event[]) {
  const waiting: Waiting[] = [];
  let client: Client | null = null;
  let accepted = 0;
  let sent = 0;

  /** One try of the oldest waiting message; false where it was refused, or the server could not be reached. */
  async function attempt(url: string): Promise<boolean> {
    const next = waiting[0];
    if (next === undefined) return true;
    try {
      client ??= await connect(url, { user, device: "writer" });
      const answer = await client.send({ to: peer }, next.text, next.id);
      if (answer.type === "rejected") {
        if (answer.code !== "unavailable") throw new Error(`Rejected: ${JSON.stringify(answer)}`);
        const { code } = await client.closed;
        if (code !== 1011) throw new Error(`After unavailable the connection was closed with ${code}`);
        client = null;
        return false;
      }
      waiting.shift();
      accepted++;
      events.push({ type: "accepted", from: user, id: next.id, conversation: answer.conversation, seq: answer.seq });
      return true;
    } catch (error) {
      if (/Rejected|After unavailable/.test(String(error))) throw error;
      client = null;
      return false;
    }
  }

  return {
    /** Writes one message, or tries the waiting one again; false where it still waits. */
    async write(url: string, textBytes: number): Promise<boolean> {
      if (waiting.length === 0) {
        const next = { id: randomUUID(), text: `${sent++} ${"x".repeat(textBytes)}` };
        waiting.push(next);
        events.push({ type: "attempt", lane: user, from: user, ...next });
      }
      return await attempt(url);
    },
    accepted: (): number => accepted,
  };
}

/** A user's whole history, read from the beginning by a device that the store knows: a new one would have to be stored. */
export const historyAt = async (url: string, user: string, beginning: string): Promise<Event> =>
  await readHistory(await connect(url, { user, cursor: beginning }));

/** Whether the server reports that it is ready. */
export async function isReady(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
}
