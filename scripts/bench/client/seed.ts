import { randomUUID } from "node:crypto";
import { createChat } from "../../../src/index.ts";

export type Seed = { readonly from: string; readonly to: string; readonly count: number };

/** Puts messages into a database that no server has open, as its host: without the rate limit of a user. */
export async function seedMessages(file: string, seeds: readonly Seed[]): Promise<void> {
  const chat = createChat({ database: { url: `file:${file}` }, authenticate: () => null });
  await chat.ready();
  for (const { from, to, count } of seeds)
    for (let at = 0; at < count; at += batch)
      await Promise.all(
        Array.from({ length: Math.min(batch, count - at) }, (_, more) =>
          chat.send({ id: randomUUID(), from, to, text: `Line ${at + more + 1}, with a few words more than that` }),
        ),
      );
  await chat.close();
}

const batch = 500;

/** Sends messages to a server that runs, of whatever release. */
export async function postMessages(port: number, { from, to, count }: Seed): Promise<void> {
  for (let at = 1; at <= count; at++) {
    const response = await fetch(`http://127.0.0.1:${port}/messages?user=${from}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id: randomUUID(), to, text: `Line ${at}, with a few words more than that` }),
    });
    if (!response.ok) throw new Error(`A message was not taken: ${response.status}`);
  }
}
