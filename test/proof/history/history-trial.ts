import { type Deed, devices, drawHistory, questionOf, users } from "./history-draw.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createChat } from "../../../src/chat.ts";
import type { Limits } from "../../../src/protocol/limits.ts";
import { openEngine } from "../../../src/store/engine/open.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { temporaryFolder } from "../../support/server.ts";
import { type Answers, ask, getConversations, getMessages, type MessagePage } from "../../http/ask.ts";
import { type Entry, type HistoryModel, idOf, newestAck, pageOf, type Question, selected } from "./history-model.ts";

export type Findings = { readonly cases: number; readonly violations: readonly string[] };

/** A query is followed for at most this many pages. */
const pagesMax = 400;
const startTime = 1_780_000_000_000;

const addressOf = (one: Question): string =>
  Object.entries(one)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join("&");

export type TrialOptions = {
  readonly limits: Partial<Limits>;
  /** Plants a bug below the store. */
  readonly wrapEngine?: ((engine: Engine) => Engine) | undefined;
};

/** A chat in this process that compares histories with plain lists, each in a tenant of its own. */
export async function openTrial({ limits, wrapEngine = (engine) => engine }: TrialOptions) {
  const folder = temporaryFolder();
  const clock = fakeClock(startTime, () => Promise.resolve());
  const chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}`, open: (database) => wrapEngine(openEngine(database)) },
    authenticate: ({ headers, url }) => ({
      tenant: headers.get("x-tenant") ?? "",
      user: new URL(url).searchParams.get("user") ?? "",
    }),
    clock,
    limits: { ...limits, marksDelayMs: 0 },
  });
  await chat.ready();

  /** One history and its questions. Returns the answers that differ from the model. */
  async function tryHistory(number: number): Promise<Findings> {
    const { deeds, questions } = drawHistory(number);
    const answers: Answers = (request) => {
      request.headers.set("x-tenant", `t${number}`);
      return chat.fetch(request);
    };
    const violations: string[] = [];
    const wrong = (text: string): void => void violations.push(`history ${number}: ${text}`);
    const entries: Entry[] = [];
    const acked = new Map<string, number>();
    const marks = new Map<string, { delivered: number; read: number }>();
    const model: HistoryModel = { entries, acked };
    const isBetween = (entry: Entry, one: string, other: string): boolean =>
      [one, other].every((user) => entry.from === user || entry.to === user) && one !== other;
    const conversationOf = (user: string, other: string): string | null =>
      entries.find((entry) => isBetween(entry, user, other))?.conversation ?? null;
    const marksOf = (user: string, conversation: string) =>
      marks.get(`${user} ${conversation}`) ?? { delivered: 0, read: 0 };
    /** Raises a user's marks to the newest fitting message of others. */
    const raise = (user: string, conversation: string, name: "delivered" | "read", fits: (entry: Entry) => boolean) => {
      const last = entries.findLast((entry) => entry.conversation === conversation && entry.to === user && fits(entry));
      const old = marksOf(user, conversation);
      const raised = { ...old, [name]: Math.max(old[name], last?.seq ?? 0) };
      marks.set(`${user} ${conversation}`, { ...raised, delivered: Math.max(raised.delivered, raised.read) });
    };
    const see = (user: string, device: string): void => {
      if (!acked.has(`${user} ${device}`)) acked.set(`${user} ${device}`, newestAck(acked, user));
    };

    async function act(one: Deed): Promise<void> {
      if (one.what === "send") {
        const [from = "", to = ""] = [users[one.from], users[one.to]];
        const id = idOf(one.id);
        if (from === to || entries.some((entry) => entry.id === id && entry.from === from)) return;
        await clock.advance(one.waitMs);
        const text = `${entries.length}`;
        const { status, body } = await ask<Entry>(answers, from, "/messages", { body: { id, to, text } });
        const place = entries.filter((entry) => isBetween(entry, from, to)).length + 1;
        if (status !== 201 || body.seq !== place) wrong(`a send was answered ${status}, seq ${body.seq} for ${place}`);
        const { conversation, seq, time } = body;
        entries.push({ kind: "message", conversation, seq, id, from, to, text, time, n: entries.length + 1 });
      } else if (one.what === "ack") {
        const [user = "", device = ""] = [users[one.user], devices[one.device]];
        const { body } = await getMessages(answers, user, `device=${device}&limit=${one.limit}`);
        see(user, device);
        const expected = pageOf(model, user, { device, limit: one.limit });
        if (!isSame(body, expected) && !(isBounded && body.more.after && isPrefix(body, expected)))
          wrong(`Q2 ${user} ${device} got ${show(body)} and not ${show(expected)}`);
        const acking = ask(answers, user, "/ack", { body: { device, cursor: body.cursor } });
        if ((await within(acking)).status !== 204) wrong("Q7 an ack was refused");
        const last = expected.messages[body.messages.length - 1];
        if (!last) return;
        acked.set(`${user} ${device}`, last.n);
        for (const conversation of new Set(entries.map((entry) => entry.conversation)))
          raise(user, conversation, "delivered", ({ n }) => n <= last.n);
      } else {
        const [user = "", other = ""] = [users[one.user], users[one.other]];
        const conversation = conversationOf(user, other);
        if (conversation === null) return;
        const reading = ask(answers, user, `/conversations/${conversation}/read`, { body: { seq: one.seq } });
        if ((await within(reading)).status !== 204) wrong("Q9 a read was refused");
        raise(user, conversation, "read", (entry) => entry.seq <= one.seq);
      }
    }

    /** Marks wait for a moment of the clock. */
    async function within<T>(answer: Promise<T>): Promise<T> {
      let isDone = false;
      const done = answer.finally(() => (isDone = true));
      for (let i = 0; i < 200 && !isDone; i++) {
        await new Promise<void>((resolve) => void setImmediate(resolve));
        await clock.advance(0);
      }
      return await done;
    }

    async function put(user: string, one: Question): Promise<void> {
      const address = addressOf(one);
      const isUndelivered =
        one.undelivered === true || Object.keys(one).every((name) => ["device", "limit"].includes(name));
      let { status, body } = await getMessages(answers, user, address);
      if (status !== 200) return wrong(`Q3 ${user} asked ${address} and was answered ${status}`);
      const all = selected(model, user, one);
      if (isUndelivered) see(user, one.device ?? "default");
      const expected = pageOf(model, user, one);
      const text = (): string => `${user} asked ${address}, got ${show(body)}, not ${show(expected)}`;
      const isWhole = isSame(body, expected);
      const isCut = body.messages.length < expected.messages.length || body.more.before || body.more.after;
      // A page that a limit has cut says so, and `next` continues it.
      if (!isWhole && !(isCut && isBounded)) wrong(`Q3 ${text()}`);
      const [first, last] = [body.messages[0], body.messages.at(-1)].map((one) =>
        all.find((entry) => one && isOne(one, entry)),
      );
      if (!body.more.before && all.some(({ n }) => n < (first?.n ?? 0))) wrong(`Q4 ${text()}`);
      if (!body.more.after && all.some(({ n }) => n > (last?.n ?? Infinity))) wrong(`Q4 ${text()}`);
      const cameFirst = body;
      const seen = [...body.messages];
      for (let pages = 0; body.next !== undefined; pages++) {
        if (pages === pagesMax) return wrong(`Q3 ${user} asked ${address}, and it does not end`);
        const onward = pages % 2 ? `next=${body.next}` : `${address}&next=${body.next}`;
        ({ status, body } = await getMessages(answers, user, onward));
        if (status !== 200) return wrong(`Q3 ${user} asked ${onward} and was answered ${status}`);
        seen.push(...body.messages);
        if (!isOrdered(body)) wrong(`Q3 ${user} asked ${onward} and got ${show(body)}`);
      }
      const due = reachable(all, one, cameFirst);
      const missing = due.filter((entry) => !seen.some((message) => isOne(message, entry)));
      if (missing.length > 0 || seen.length !== new Set(seen.map((m) => `${m.conversation} ${m.seq}`)).size)
        wrong(
          `Q3 ${user} asked ${address}, and following next there came ${show({ messages: seen })} of ${show({ messages: due })}`,
        );
      const strange = seen.filter((message) => !all.some((entry) => isOne(message, entry)));
      if (strange.length > 0) wrong(`Q3 ${user} asked ${address}, and got ${show({ messages: strange })}`);
    }

    async function list(user: string): Promise<void> {
      const seen = [];
      let next: string | undefined;
      do {
        const { body } = await getConversations(answers, user, `limit=2${next === undefined ? "" : `&after=${next}`}`);
        seen.push(...body.conversations);
        next = body.next;
      } while (next !== undefined && seen.length < 2 * users.length);
      const own = entries.filter(({ from, to }) => from === user || to === user);
      const lasts = own.filter(
        (entry) => !own.some((one) => one.conversation === entry.conversation && one.n > entry.n),
      );
      const expected = lasts.toReversed().map(({ n: _, ...lastMessage }) => {
        const { conversation: id, from, to } = lastMessage;
        const other = from === user ? to : from;
        const { delivered, read } = marksOf(user, id);
        const unread = own.filter((one) => one.conversation === id && one.to === user && one.seq > read).length;
        const setting = { muted: false, version: 0 };
        return {
          ...{ id, kind: "direct", with: other, lastMessage, unread, delivered, read, setting },
          peer: marksOf(other, id),
        };
      });
      if (!Bun.deepEquals(seen, expected))
        wrong(`Q8 ${user}'s list is ${JSON.stringify(seen)} and not ${JSON.stringify(expected)}`);
    }

    const isBounded = Object.keys(limits).length > 0;
    for (const [i, one] of deeds.entries()) {
      await act(one);
      if (i % 20 === 19) for (const user of users) await list(user);
    }
    for (const { asker, drawn } of questions) {
      await put(
        asker,
        questionOf(drawn, entries, (other) => conversationOf(asker, other)),
      );
      if (violations.length > 4) break;
    }
    for (const user of users) await list(user);
    return { cases: deeds.length + questions.length, violations: violations.slice(0, 5) };
  }

  return {
    tryHistory,
    async close(): Promise<void> {
      const closing = chat.close();
      let isClosed = false;
      void closing.finally(() => (isClosed = true));
      for (let i = 0; i < 200 && !isClosed; i++) await clock.advance(100);
      await closing;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const isOne = (message: { conversation: string; seq: number }, entry: { conversation: string; seq: number }): boolean =>
  message.conversation === entry.conversation && message.seq === entry.seq;

const isSame = ({ messages, more }: MessagePage, expected: { messages: readonly Entry[]; more: object }): boolean =>
  Bun.deepEquals(
    messages,
    expected.messages.map(({ n: _, ...message }) => message),
  ) && Bun.deepEquals(more, expected.more);

const missingEntry = { conversation: "", seq: 0 };

const isPrefix = ({ messages }: MessagePage, expected: { messages: readonly Entry[] }): boolean =>
  messages.length > 0 && messages.every((message, i) => isOne(message, expected.messages[i] ?? missingEntry));

/** Within a conversation seqs rise, for any selection. */
const isOrdered = ({ messages }: MessagePage): boolean =>
  messages.every((message, i) =>
    messages.slice(i + 1).every((later) => later.conversation !== message.conversation || later.seq > message.seq),
  );

const show = ({ messages, more }: { messages: readonly { from: string; seq: number }[]; more?: object }): string =>
  `[${messages.map(({ from, seq }) => `${from} ${seq}`).join(", ")}] ${JSON.stringify(more ?? null)}`;

/** The end of a query in its direction. The list of unacked messages continues by acks. */
function reachable(
  all: readonly Entry[],
  { before, after }: Question,
  { cursor, messages }: MessagePage,
): readonly Entry[] {
  if (cursor !== undefined) return all.filter((entry) => messages.some((message) => isOne(message, entry)));
  if (before !== undefined) return all.filter(({ seq }) => seq < before);
  if (after !== undefined) return all.filter(({ seq }) => seq > after);
  return all;
}
