import { ensure, ensureSame, sleep } from "../check.ts";
import type { Frame } from "../frames.ts";
import { type Link, sendsOf, withoutMessagesOf } from "./link.ts";
import type { ClientCase } from "./world.ts";

/** The proxy loses every answer to a send, and everything after it on that connection. */
function loseAnswers(): (frame: Frame, link: Link) => readonly object[] {
  const deaf = new Set<Link>();
  return (frame, link) => {
    if (frame.type === "accepted") deaf.add(link);
    return deaf.has(link) ? [] : [frame];
  };
}

export const sendCases: readonly ClientCase[] = [
  {
    ...{ id: "C-01", section: "3" },
    title: "texts of both sides are kept once, in order",
    shows: "The least that a chat does.",
    async run({ client, write, peer, self }) {
      client.start();
      await client.status("online");
      await write("first");
      for (const text of ["one", "two \u2028 👋🏽", "three\nlines"]) await client.send(text);
      await write("second");
      await client.shows("second");
      await client.agree();
      const { messages } = await client.dump();
      const from = new Set(messages.map((message) => message.from));
      ensureSame(from, { expected: new Set([peer.name, self.name]), what: "the senders" });
    },
  },
  {
    ...{ id: "C-02", section: "1" },
    title: "a text that is kept without a network outlives a crash, and is sent once",
    shows: "Otherwise what was written on a train is lost.",
    async run({ client }) {
      client.proxy.faults.isOffline = true;
      client.start();
      const id = await client.send("written in a tunnel");
      await client.kill();
      client.proxy.heal();
      client.start();
      await client.agree();
      const ids = sendsOf(client.proxy.links()).map((send) => send.id);
      ensure(
        ids.every((one) => one === id),
        `it was kept as ${id} and sent as ${ids.join()}`,
      );
    },
  },
  {
    ...{ id: "C-03", section: "3" },
    title: "a send whose answer was lost is sent again under the same id",
    shows: "Otherwise a lost answer loses or doubles the message.",
    async run({ client }) {
      client.start();
      await client.status("online");
      client.proxy.faults.fromServer = loseAnswers();
      const id = await client.send("was it heard?");
      await client.frame((frame) => frame.id === id, "the send");
      await sleep(50);
      client.proxy.heal();
      client.proxy.cutAll();
      await client.item(id, "accepted");
      await client.agree();
    },
  },
  {
    ...{ id: "C-04", section: "3" },
    title: "a client that crashes between a send and its answer sends it again under the same id",
    shows: "Otherwise a crash loses or doubles the message.",
    async run({ client }) {
      client.start();
      await client.status("online");
      client.proxy.faults.fromServer = loseAnswers();
      const id = await client.send("sent, then crashed");
      await client.frame((frame) => frame.id === id, "the send");
      await sleep(50);
      await client.kill();
      client.proxy.heal();
      client.start();
      await client.agree();
    },
  },
  {
    ...{ id: "C-05", section: "3" },
    title: "an own message is kept when its cursor is: accepted is its only copy on this connection",
    shows: "Otherwise a user's own messages are missing after a restart.",
    async run({ client, write, self }) {
      client.proxy.faults.fromServer = withoutMessagesOf(self.name);
      client.start();
      await client.status("online");
      const id = await client.send("my own");
      await client.item(id, "accepted");
      await write("after it");
      await client.shows("after it");
      await client.frame(({ type }) => type === "ack", "an ack");
      await client.agree();
      await client.kill();
      client.proxy.faults.isOffline = true;
      client.start();
      const { messages } = await client.dump();
      ensure(
        messages.some((message) => message.id === id),
        "the own message is gone after a restart",
      );
    },
  },
  {
    ...{ id: "C-06", section: "4" },
    title: "texts written without a network are sent in the order of writing",
    shows: "Otherwise an answer stands before its question.",
    async run({ client }) {
      client.proxy.faults.isOffline = true;
      client.start();
      const texts = Array.from({ length: 6 }, (_, at) => `offline ${at}`);
      for (const text of texts) await client.send(text);
      client.proxy.heal();
      await client.agree();
      const { messages } = await client.dump();
      ensureSame(
        messages.map(({ text }) => text),
        { expected: texts, what: "the order" },
      );
    },
  },
  {
    ...{ id: "C-07", section: "1" },
    title: "an id that the other user has used too is another message",
    shows: "Otherwise one user can make another's message vanish.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const id = await client.send("mine");
      await client.item(id, "accepted");
      await write("theirs, under the same id", { id: id.toLowerCase() });
      await client.shows("theirs, under the same id");
      await client.agree();
    },
  },
  {
    ...{ id: "C-08", section: "1" },
    title: "the longest text is sent and received unchanged",
    shows: "Otherwise long texts are cut.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const text = `${"é".repeat(8_000)} the end`;
      await client.send(`mine ${text}`);
      await write(`theirs ${text}`);
      await client.shows(`theirs ${text}`);
      await client.agree();
    },
  },
  {
    ...{ id: "C-09", section: "4" },
    title: "no more sends wait for their answers than welcome allows",
    shows: "Otherwise the server closes the connection with 4429.",
    async run({ client }) {
      client.proxy.faults.isOffline = true;
      client.start();
      for (let at = 0; at < 7; at++) await client.send(`in the window ${at}`);
      client.proxy.heal();
      client.proxy.faults.fromServer = (frame) =>
        frame.type === "welcome" && frame.limits !== undefined
          ? [{ ...frame, limits: { ...frame.limits, sendWindow: 2 } }]
          : [frame];
      client.proxy.faults.delayMs = 30;
      await client.agree();
    },
  },
];
