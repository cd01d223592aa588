import { ensure, ensureSame, sleep, until } from "../check.ts";
import type { Frame } from "../frames.ts";
import { fromClient, type Link, toClient, withoutMessagesOf } from "./link.ts";
import type { ClientCase } from "./world.ts";

const section = "2";

/** The texts of the messages that the client was sent before its last ack or cursor. */
function confirmedTexts(links: readonly Link[]): readonly string[] {
  const sent: { readonly cursor: string; readonly texts: readonly string[] }[] = [];
  let confirmed = 0;
  for (const link of links) {
    const covers = (cursor: string | null | undefined): void => {
      const at = sent.findLastIndex((page) => page.cursor === cursor);
      confirmed = Math.max(confirmed, at + 1);
    };
    covers(link.query.get("cursor"));
    for (const { from, frame } of link.events)
      if (from === "server" && frame.type === "changes")
        sent.push({ cursor: frame.cursor ?? "", texts: textsOf(frame) });
      else if (from === "client" && frame.type === "ack") covers(frame.cursor);
  }
  return sent.slice(0, confirmed).flatMap(({ texts }) => texts);
}

const textsOf = ({ changes = [] }: Frame): readonly string[] =>
  changes.flatMap(({ kind, text }) => (kind === "message" && text !== undefined ? [text] : []));

export const resumeCases: readonly ClientCase[] = [
  {
    ...{ id: "C-15", section: "1" },
    title: "an ack is sent for what is stored: a crash in that moment loses nothing of it",
    shows: "Otherwise the server believes a device that has lost its messages.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const armed = new Set<string>();
      client.proxy.faults.fromClient = (frame, link) => {
        if (frame.type === "ack" && armed.has("yes") && confirmedAlready(link, frame.cursor)) void client.kill();
        return [frame];
      };
      for (let round = 0; round < 3; round++) {
        armed.add("yes");
        await write(`round ${round}`);
        await until(() => confirmedTexts(client.proxy.links()).includes(`round ${round}`), {
          ...{ what: `the ack of round ${round}`, ms: 30_000 },
        });
        await client.kill();
        armed.clear();
        const confirmed = confirmedTexts(client.proxy.links());
        client.proxy.faults.isOffline = true;
        client.start();
        const stored = (await client.dump()).messages.map(({ text }) => text);
        const lost = confirmed.filter((text) => !stored.includes(text));
        ensureSame(lost, { expected: [], what: "messages that were confirmed and are not stored" });
        const links = client.proxy.links().length;
        client.proxy.faults.isOffline = false;
        await client.link(links);
      }
      await client.agree();
    },
  },
  {
    ...{ id: "C-16", section },
    title: "a client comes back with the cursor that it has stored, under the name of its device",
    shows: "Otherwise it loses what another device has confirmed, or gets everything again.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      await write("before");
      await client.shows("before");
      await client.frame(({ type }) => type === "ack", "an ack");
      await client.agree();
      await client.kill();
      await write("meanwhile");
      const count = client.proxy.links().length;
      client.start();
      const link = await client.link(count);
      await client.agree();
      const cursor = link.query.get("cursor");
      ensure(cursor !== null, "it came back without a cursor");
      const acked = client.proxy
        .links()
        .slice(0, count)
        .flatMap(fromClient)
        .findLast(({ type }) => type === "ack");
      const given = client.proxy
        .links()
        .slice(0, count)
        .flatMap(toClient)
        .flatMap((frame) => frame.cursor ?? []);
      ensure(
        given.indexOf(cursor) >= given.indexOf(acked?.cursor ?? ""),
        "it came back with an older cursor than it has acked",
      );
    },
  },
  {
    ...{ id: "C-17", section: "3" },
    title: "changes that come again are kept once",
    shows: "Otherwise messages are shown twice after a reconnect.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      await write("one");
      await write("two");
      await client.shows("two");
      await client.agree();
      const pages = client.proxy
        .links()
        .flatMap(toClient)
        .filter((frame) => textsOf(frame).length > 0);
      const link = client.proxy.links().at(-1);
      for (const page of pages) link?.inject(page);
      await write("three");
      await client.shows("three");
      await client.agree();
    },
  },
  {
    ...{ id: "C-18", section: "3" },
    title: "an own message that comes as a change besides accepted is kept once",
    shows: "Otherwise a user's own messages are shown twice.",
    async run({ client, self, peer, write }) {
      client.start();
      await client.status("online");
      client.proxy.faults.fromServer = (frame) =>
        frame.type !== "accepted"
          ? [frame]
          : [frame, changeOf(frame, { from: self.name, to: peer.name, text: "mine" }, cursorOf(client.proxy.links()))];
      await client.item(await client.send("mine"), "accepted");
      await write("theirs");
      await client.shows("theirs");
      await client.agree();
    },
  },
  {
    ...{ id: "C-19", section: "3" },
    title: "a backlog in many frames is complete, also when the connection is lost between them",
    shows: "Otherwise a device that was away for long has holes.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      await client.kill();
      const text = "x".repeat(14_000);
      for (let at = 0; at < 12; at++) await write(`${at} ${text}`);
      let pages = 0;
      const lost = new Set<Link>();
      client.proxy.faults.fromServer = (frame, link) => {
        if (lost.has(link)) return [];
        if (frame.type !== "changes" || ++pages !== 2) return [frame];
        lost.add(link);
        setTimeout(link.cut, 20);
        return [frame];
      };
      client.start();
      await client.agree();
      ensure(pages >= 3, "the backlog came in too few frames");
    },
  },
  {
    ...{ id: "C-20", section: "3" },
    title: "frames that are lost with their connection come again after it",
    shows: "Otherwise a cut loses messages.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      await write("before the cut");
      await client.shows("before the cut");
      client.proxy.faults.fromServer = () => [];
      await write("lost on the way");
      await sleep(100);
      client.proxy.heal();
      client.proxy.cutAll();
      await write("after the cut");
      await client.agree();
    },
  },
  {
    ...{ id: "C-21", section: "3" },
    title: "half a frame before a cut is nothing",
    shows: "Otherwise a client keeps a part of a message, or ends.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const cut = new Set<Link>();
      client.proxy.faults.fromServer = (frame, link) => {
        if (textsOf(frame).length === 0 || cut.size > 0) return cut.has(link) ? [] : [frame];
        cut.add(link);
        link.cutWithin(frame);
        return [];
      };
      await write("cut in the middle");
      await client.agree();
      ensure(cut.size === 1, "no frame was cut");
    },
  },
  {
    ...{ id: "C-22", section: "3" },
    title: "an empty changes frame moves the cursor",
    shows: "Otherwise a client that only sends gets all of it again at each start.",
    async run({ client, self }) {
      client.proxy.faults.fromServer = withoutMessagesOf(self.name);
      client.start();
      await client.status("online");
      await client.item(await client.send("nothing comes back"), "accepted");
      const moved = await until(
        () => {
          const frames = client.proxy.links().flatMap(toClient);
          const accepted = frames.findIndex(({ type }) => type === "accepted");
          return frames.slice(accepted).find(({ type }) => type === "changes")?.cursor;
        },
        { what: "the empty changes after accepted", ms: 10_000 },
      );
      const isUsed = (): boolean =>
        client.proxy
          .links()
          .some((link) => fromClient(link).some(({ type, cursor }) => type === "ack" && cursor === moved));
      // A client may keep the cursor without an ack: it then comes back with it.
      for (let at = 0; at < 50 && !isUsed(); at++) await sleep(20);
      const count = client.proxy.links().length;
      client.proxy.heal();
      client.proxy.cutAll();
      const link = await client.link(count);
      ensure(link.query.get("cursor") === moved || isUsed(), "the cursor of the empty frame was not kept");
      await client.agree();
    },
  },
];

/** Whether the ack of this cursor covers a message that came on this link. */
const confirmedAlready = (link: Link, cursor: string | undefined): boolean =>
  toClient(link).some((frame) => frame.cursor === cursor && textsOf(frame).length > 0);

const cursorOf = (links: readonly Link[]): string =>
  links.flatMap(toClient).findLast(({ cursor }) => cursor !== undefined)?.cursor ?? "";

const changeOf = (accepted: Frame, message: object, cursor: string): object => {
  const { id = "", conversation, seq, time } = accepted;
  const change = { kind: "message", conversation, seq, id: id.toLowerCase(), ...message, time };
  return { type: "changes", cursor, more: false, changes: [change] };
};
