import { randomUUID } from "node:crypto";
import { type Client, connect } from "../../support/client.ts";
import { deadline } from "../../support/deadline.ts";
import { letIn } from "../net/let-in.ts";
import type { Chance } from "../sim/chance.ts";

type Stored = { readonly seq: number; readonly id: string; readonly from: string; readonly text: string };
type Page = { readonly messages: readonly Stored[] };
type List = {
  readonly next?: string;
  readonly conversations: readonly { id: string; with: string; unread: number; lastMessage: { seq: number } }[];
};

const pauseMs = { min: 5, max: 60 } as const;
const visitMessages = 20;
const retryMs = 100;
const answerMsMax = 15_000;

export type AwayOptions = {
  readonly urls: readonly string[];
  readonly chance: Chance;
  readonly user: string;
  /** They write to the user all the time, and have written with them before. */
  readonly friends: readonly string[];
  /** How many messages the user has with each of them already. */
  readonly before: number;
  /** How long a receipt may take in the end. */
  readonly liveMsMax: number;
};

const httpOf = (url: string): string => url.replace("ws://", "http://");

/**
 * A user whose only device leaves, while friends of before write to them over HTTP, now here, now there. The device comes back at the end, and the conversations are
 * read through every node.
 */
export async function createAway({ urls, chance, user, friends, before, liveMsMax }: AwayOptions) {
  const complaints: string[] = [];
  const facts = { written: 0, retried: 0, answerMs: 0 };
  const device = { user, device: "phone" };
  const first = await connect(urls[0] ?? "", device);
  await first.when(() => first.frames.some((frame) => frame.type === "changes" && !frame.more), deadline.answerMs);
  const cursor = first.cursor();
  first.terminate();
  const sent = new Map<string, Stored[]>(friends.map((name) => [name, []]));
  /** How many messages there were in the conversation with somebody before the upgrade. */
  const pastOf = (name: string): number => (friends.includes(name) ? before : 0);
  /** Until all have written, and until the user has read it. */
  let phase: "writing" | "unread" | "read" = "writing";

  async function ask<T>(url: string, path: string): Promise<T> {
    const answer = await fetch(`${httpOf(url)}${path}`, { signal: AbortSignal.timeout(answerMsMax) });
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Until it is accepted, each time at another node; answers that no client survives are complaints. */
  async function write(from: string, text: string): Promise<void> {
    const id = randomUUID();
    const begun = performance.now();
    for (let isDone = false; !isDone;) {
      try {
        const answer = await fetch(`${httpOf(chance.pick(urls))}/messages?user=${from}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ id, to: user, text }),
          signal: AbortSignal.timeout(answerMsMax),
        });
        isDone = answer.ok;
        if (answer.ok) sent.get(from)?.push({ ...((await answer.json()) as { seq: number }), id, from, text });
        else if (answer.status !== 503 && answer.status !== 429) {
          complaints.push(`a message of ${from} was answered ${answer.status} ${await answer.text()}`);
          isDone = true;
        }
      } catch {
        // The node has ended, or is not up yet.
      }
      if (isDone) break;
      facts.retried++;
      await Bun.sleep(retryMs);
    }
    facts.written++;
    facts.answerMs = Math.max(facts.answerMs, Math.round(performance.now() - begun));
  }

  async function keepWriting(from: string): Promise<void> {
    for (let i = 0; phase === "writing"; i++) {
      await write(from, `${from} ${i}`);
      await Bun.sleep(chance.between(pauseMs.min, pauseMs.max));
    }
  }
  const tasks = friends.map(keepWriting);

  const compare = (where: string, found: readonly unknown[], wanted: readonly unknown[]): void => {
    if (Bun.deepEquals(found, wanted)) return;
    const at = wanted.findIndex((one, i) => !Bun.deepEquals(one, found[i]));
    complaints.push(
      `${where}: ${found.length} messages where ${wanted.length} are due; at ${at} ${JSON.stringify(found[at])} where ${JSON.stringify(wanted[at])} is due`,
    );
  };

  /** Somebody writes to the user for the first time, some messages, and never again. */
  async function visit(): Promise<void> {
    const name = `visitor${sent.size}`;
    sent.set(name, []);
    for (let i = 0; i < visitMessages; i++) await write(name, `${name} ${i}`);
  }

  /** All pages of a conversation, in one direction. */
  async function pagesOf(url: string, friend: string, isUp: boolean): Promise<Stored[]> {
    const all: Stored[] = [];
    for (let at = isUp ? 0 : before + facts.written + 1; ;) {
      const { messages } = await ask<Page>(
        url,
        `/messages?user=${user}&with=${friend}&limit=37&${isUp ? "after" : "before"}=${at}`,
      );
      const edge = messages.at(isUp ? -1 : 0);
      if (edge === undefined) return all;
      all.splice(isUp ? all.length : 0, 0, ...messages);
      at = edge.seq;
    }
  }

  /** All pages of the list, with those in it who have written since. */
  async function listAt(url: string): Promise<List["conversations"]> {
    const all: List["conversations"][number][] = [];
    for (let from = ""; ;) {
      const { conversations, next } = await ask<List>(url, `/conversations?user=${user}&limit=50${from}`);
      all.push(...conversations.filter((one) => sent.has(one.with)));
      if (next === undefined) return all;
      from = `&after=${encodeURIComponent(next)}`;
    }
  }

  async function readThrough(url: string): Promise<void> {
    for (const [friend, own] of sent) {
      const before = pastOf(friend);
      for (const isUp of [true, false]) {
        const found = (await pagesOf(url, friend, isUp)).map(({ seq, id }) => (seq > before ? { seq, id } : { seq }));
        const wanted = Array.from({ length: before + own.length }, (_, i) => ({
          ...{ seq: i + 1 },
          ...(i >= before && { id: own[i - before]?.id }),
        }));
        compare(`the conversation with ${friend}, ${isUp ? "forwards" : "backwards"}, at ${url}`, found, wanted);
      }
    }
    const listed = await listAt(url);
    compare(
      `the list at ${url}`,
      listed.map((one) => `${one.with} ${one.lastMessage.seq}`).toSorted(),
      [...sent].map(([name, own]) => `${name} ${pastOf(name) + own.length}`).toSorted(),
    );
    for (const one of listed)
      if (phase === "read" ? one.unread !== 0 : one.unread < (sent.get(one.with)?.length ?? 0))
        complaints.push(
          `${one.unread} messages of ${one.with} are unread at ${url}, and ${sent.get(one.with)?.length} were written`,
        );
  }

  async function comeBack(url: string): Promise<Client> {
    const back = await letIn(url, { ...device, cursor });
    await back.when(
      () => back.frames.findLast((frame) => frame.type === "changes")?.more === false,
      deadline.bulkMs,
      "all that was missed",
    );
    if (back.frames.some((frame) => frame.type === "reset")) complaints.push(`${user} was reset`);
    for (const [friend, wanted] of sent) {
      const found = back.messages().filter(({ from }) => from === friend);
      compare(
        `what ${user} missed of ${friend}`,
        found.map(({ seq, id, text }) => ({ seq, id, text })),
        wanted.map(({ seq, id, text }) => ({ seq, id, text })),
      );
    }
    return back;
  }

  return {
    complaints,
    facts,
    visit,

    /** Reads everything through every node. */
    async readAll(): Promise<void> {
      for (const url of urls) await readThrough(url);
    },

    /** After the upgrade: nobody writes any more, the device comes back, everything is read through all nodes, and a friend learns of it. */
    async finish(): Promise<void> {
      phase = "unread";
      await Promise.all(tasks);
      for (const url of urls) await readThrough(url);
      const back = await comeBack(urls.at(-1) ?? "");
      back.ack();
      for (const friend of sent.keys()) {
        const last = back.messages().findLast(({ from }) => from === friend);
        if (last === undefined) continue;
        const reader = await letIn(urls[0] ?? "", { user: friend, device: "desk" });
        back.read(last.conversation, last.seq);
        const isThere = (): boolean =>
          reader.receipts().some((one) => one.user === user && one.read === last.seq && one.delivered === last.seq);
        await reader.when(isThere, liveMsMax, `the receipt of ${user} up to ${last.seq}`);
        reader.terminate();
      }
      back.terminate();
      phase = "read";
      await readThrough(urls[0] ?? "");
    },

    /** Ends it as it is. */
    async end(): Promise<void> {
      phase = "unread";
      await Promise.all(tasks);
    },
  };
}
