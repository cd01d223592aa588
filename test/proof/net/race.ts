import { randomUUID } from "node:crypto";
import type { Event } from "../checker/checker.ts";
import { type Accepted, type Client, connect, type Rejected } from "../../support/client.ts";
import { letIn } from "./let-in.ts";
import { deadline } from "../../support/deadline.ts";

export type RaceOptions = {
  readonly urls: readonly string[];
  readonly log: (event: Event) => void;
};

type Answer = Accepted | Rejected;

/** One id sent to all nodes at once, with one text or with one for each node. */
type Heat = { readonly id: string; readonly texts: readonly string[]; readonly answers: Answer[] };

const from = "racer";
const to = "judge";
/** During faults, a node that takes longer than this is left. */
const waitMsMax = 1_200;
const helloMsMax = 1_500;
const restMs = 40;

/** The fault in the nodes' answers about one id: they must have one seq, one of them without `duplicate`, and one text. */
export function faultOfHeat({ id, texts, answers }: Heat): string | null {
  const accepted = answers.filter((answer) => answer.type === "accepted");
  const refused = answers.filter((answer) => answer.type === "rejected" && answer.code !== "unavailable");
  const places = new Set(accepted.map(({ conversation, seq, time }) => `${conversation} ${seq} ${time}`));
  const isOneText = texts[0] === texts[1];
  const isWrong =
    places.size > 1 ||
    accepted.filter(({ duplicate }) => !duplicate).length > 1 ||
    refused.some((answer) => isOneText || answer.type !== "rejected" || answer.code !== "conflict") ||
    (!isOneText && accepted.length > 1);
  return isWrong ? `${id} (${isOneText ? "one text" : "several texts"}) was answered ${JSON.stringify(answers)}` : null;
}

/** One user, connected to every node at once; each message is sent to all of them at the same time (O1). */
export function createRace({ urls, log }: RaceOptions) {
  const complaints: string[] = [];
  const facts = { heats: 0, whole: 0 };
  const clients = new Map<string, Client>();
  /** Heats without a result yet. */
  const open: Heat[] = [];
  let isOver = false;

  const deviceAt = (url: string): string => `d${urls.indexOf(url)}`;

  async function clientAt(url: string): Promise<Client> {
    const known = clients.get(url);
    if (known?.isOpen() === true) return known;
    const client = await connect(url, { user: from, device: deviceAt(url), withinMs: helloMsMax });
    clients.set(url, client);
    return client;
  }

  async function ask(url: string, { id, texts, answers }: Heat, msMax = waitMsMax): Promise<void> {
    const text = texts[urls.indexOf(url)] ?? "";
    const isAnswer = (frame: { type: string; id?: unknown }): boolean =>
      (frame.type === "accepted" || frame.type === "rejected") && frame.id === id;
    const client = clients.get(url);
    if (client?.isOpen() !== true) return;
    client.post({ to }, text, id);
    const answer = await client.next((frame): frame is Answer => isAnswer(frame), msMax).catch(() => null);
    if (answer === null) return drop(url);
    answers.push(answer);
    if (answer.type === "accepted") logAnswer(id, text, answer);
  }

  function logAnswer(id: string, text: string, { conversation, seq }: Accepted): void {
    log({ type: "attempt", lane: id, from, id, text });
    log({ type: "accepted", from, id, conversation, seq });
  }

  /** A late answer of a node is ignored. */
  function drop(url: string): void {
    const client = clients.get(url);
    clients.delete(url);
    client?.terminate();
    try {
      client?.check();
    } catch (error) {
      complaints.push(String(error));
    }
  }

  async function run(): Promise<void> {
    while (!isOver) {
      await Promise.allSettled(urls.map(clientAt));
      const id = randomUUID();
      const isOneText = facts.heats % 2 === 0;
      const texts = urls.map((_, i) => (isOneText ? `${id}` : `${id} by way of ${i}`));
      const heat: Heat = { id, texts, answers: [] };
      await Promise.all(urls.map((url) => ask(url, heat)));
      facts.heats++;
      if (heat.answers.filter(({ type }) => type === "accepted").length === (isOneText ? urls.length : 1))
        facts.whole++;
      if (!heat.answers.some(({ type }) => type === "accepted")) open.push(heat);
      const fault = faultOfHeat(heat);
      if (fault !== null) complaints.push(fault);
      await Bun.sleep(restMs);
    }
  }

  const running = run();

  /** Ends it as it is. */
  async function end(): Promise<void> {
    isOver = true;
    await running;
    for (const url of urls) drop(url);
  }

  return {
    complaints,
    facts,
    end,

    /** After all faults: sends each unanswered id once more, to one node after the other; then reads everything. */
    async finish(): Promise<void> {
      isOver = true;
      await running;
      for (const url of urls)
        if (clients.get(url)?.isOpen() !== true)
          clients.set(url, await letIn(url, { user: from, device: deviceAt(url) }));
      for (const heat of open)
        for (const url of urls)
          if (!heat.answers.some(({ type }) => type === "accepted")) await ask(url, heat, deadline.answerMs);
      for (const heat of open) {
        const fault = faultOfHeat(heat);
        if (fault !== null) complaints.push(fault);
        if (!heat.answers.some(({ type }) => type === "accepted"))
          complaints.push(`no node accepted ${heat.id} in the end`);
      }
      const reader = await letIn(urls[0] ?? "", { user: to, device: "reader" });
      await reader.when(
        () => reader.frames.findLast((frame) => frame.type === "changes")?.more === false,
        deadline.bulkMs,
      );
      const messages = reader
        .messages()
        .map(({ conversation, seq, id, from: sender, text }) => ({ conversation, seq, id, from: sender, text }));
      log({ type: "history", user: to, messages });
      reader.terminate();
      for (const url of urls) drop(url);
    },
  };
}
