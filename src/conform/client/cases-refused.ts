import { ensure, ensureSame } from "../check.ts";
import type { ClientFrame, Link } from "./link.ts";
import { sendsOf } from "./link.ts";
import type { ClientCase } from "./world.ts";

const laterMs = 1_200;
/** Clocks and timers are this exact. */
const slackMs = 50;

type Rejection =
  { readonly code: string; readonly retry: "never" } | { readonly code: string; readonly retry: "later" };

/**
 * Rejects the first send that fulfils `is`, in place of the server. Where it is rejected for now, so is every other send of its connection until `laterMs`
 * has passed, as by a server.
 */
function rejectSend(
  is: (frame: ClientFrame) => boolean,
  rejection: Rejection,
): (frame: ClientFrame, link: Link) => readonly object[] {
  const rejected = new Set<string>();
  const until = new Map<Link, number>();
  return (frame, link) => {
    if (frame.type !== "send") return [frame];
    const { id = "" } = frame;
    const isFirst = rejected.size === 0 && is(frame);
    if (isFirst) {
      rejected.add(id);
      if (rejection.retry === "later") until.set(link, Date.now() + laterMs);
    }
    const leftMs = (until.get(link) ?? 0) - Date.now();
    if (!isFirst && leftMs <= slackMs) return [frame];
    const named = rejection.retry === "later" ? { retryAfterMs: Math.max(0, leftMs) } : {};
    // After the return: the frame is noted before its answer.
    setTimeout(
      () => link.inject({ type: "rejected", id, message: "by the conformance kit", ...rejection, ...named }),
      0,
    );
    return [];
  };
}

export const refusedCases: readonly ClientCase[] = [
  {
    ...{ id: "C-10", section: "4" },
    title: "a send that is rejected for now is sent again after retryAfterMs, not before, under the same id",
    shows: "Otherwise a busy server gets busier, or the message is lost.",
    async run({ client }) {
      client.start();
      await client.status("online");
      client.proxy.faults.fromClient = rejectSend(() => true, { code: "rate_limited", retry: "later" });
      const id = await client.send("too fast");
      await client.item(id, "accepted");
      const [first, second] = sendsOf(client.proxy.links());
      const waited = (second?.at ?? 0) - (first?.at ?? 0);
      ensure(waited >= laterMs - slackMs, `it came again after ${waited} ms in place of ${laterMs}`);
      await client.agree();
    },
  },
  {
    ...{ id: "C-11", section: "4" },
    title: "nothing of a conversation overtakes a message that waits for retryAfterMs",
    shows: "Otherwise messages change their order when a server is busy.",
    async run({ client }) {
      client.start();
      await client.status("online");
      client.proxy.faults.fromClient = rejectSend(({ text }) => text === "first", {
        code: "unavailable",
        retry: "later",
      });
      const ids = [await client.send("first"), await client.send("second"), await client.send("third")];
      for (const id of ids) await client.item(id, "accepted");
      await client.agree();
      const { messages } = await client.dump();
      ensureSame(
        messages.map(({ text }) => text),
        { expected: ["first", "second", "third"], what: "the order" },
      );
    },
  },
  {
    ...{ id: "C-12", section: "4" },
    title: "a send that is rejected for good is reported with its code, not sent again, and holds nothing up",
    shows: "Otherwise a text that nobody may get is tried for ever.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const faults = client.proxy.faults;
      faults.fromClient = rejectSend(({ text }) => text === "refused", { code: "forbidden", retry: "never" });
      client.program().tell({ do: "send", to: "kit-refuses", text: "refused" });
      await client.frame(({ text }) => text === "refused", "the send");
      const { id = "" } = sendsOf(client.proxy.links()).find(({ text }) => text === "refused") ?? {};
      await client.item(id, "failed");
      const failed = client
        .program()
        .lines()
        .find((line) => "item" in line && line.item.state === "failed");
      ensureSame(failed !== undefined && "item" in failed ? failed.item.code : null, {
        ...{ expected: "forbidden", what: "the code" },
      });
      client.proxy.cutAll();
      await client.link(1);
      await client.send("after it");
      await write("still there");
      await client.shows("still there");
      await client.agree();
      const tries = sendsOf(client.proxy.links()).filter(({ text }) => text === "refused").length;
      ensureSame(tries, { expected: 1, what: "tries of the refused message" });
    },
  },
  {
    ...{ id: "C-13", section: "4" },
    title: "after the store has failed (1011) the client sends again from the first unanswered message on",
    shows: "Otherwise messages change their order when a disk is full.",
    async run({ client }) {
      client.proxy.faults.isOffline = true;
      client.start();
      const texts = Array.from({ length: 4 }, (_, at) => `unanswered ${at}`);
      for (const text of texts) await client.send(text);
      client.proxy.heal();
      const failing = new Set<Link>();
      client.proxy.faults.fromClient = (frame, link) => {
        if (frame.type !== "send" || (failing.size > 0 && !failing.has(link))) return [frame];
        if (frame.text === "unanswered 0") return [frame];
        failing.add(link);
        link.inject({
          type: "rejected",
          id: frame.id,
          code: "unavailable",
          message: "",
          retry: "later",
          retryAfterMs: 0,
        });
        link.close(1011, "the store failed");
        return [];
      };
      await client.link(1);
      await client.agree();
      const { messages } = await client.dump();
      ensureSame(
        messages.map(({ text }) => text),
        { expected: texts, what: "the order" },
      );
    },
  },
  {
    ...{ id: "C-14", section: "4" },
    title: "messages with another user go on after one was refused",
    shows: "Otherwise one user who has blocked somebody stops all of that user's chats.",
    async run({ client, third }) {
      client.start();
      await client.status("online");
      const faults = client.proxy.faults;
      faults.fromClient = rejectSend(({ text }) => text === "to a blocker", { code: "blocked", retry: "never" });
      client.program().tell({ do: "send", to: "kit-blocker", text: "to a blocker" });
      await client.frame(({ text }) => text === "to a blocker", "the send");
      const { id: refused = "" } = sendsOf(client.proxy.links()).find(({ text }) => text === "to a blocker") ?? {};
      await client.item(refused, "failed");
      await client.item(await client.send("to a friend", third), "accepted");
      await client.agree();
    },
  },
];
