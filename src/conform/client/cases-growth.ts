import { randomUUID } from "node:crypto";
import { ensure, ensureSame, sleep, until } from "../check.ts";
import { madeUp } from "./difference.ts";
import { fromClient, type Link, sendsOf, toClient } from "./link.ts";
import type { ClientCase, ClientWorld } from "./world.ts";

const section = "3";
const greetingMsMax = 30_000;

const isGreeted = (link: Link): boolean => toClient(link).some(({ type }) => type === "welcome");

/** Sends the client changes that its server has not made, with the cursor that it has. */
function injectChanges({ client }: ClientWorld, changes: readonly object[]): void {
  const link = client.proxy.links().at(-1);
  const cursor = link === undefined ? null : toClient(link).findLast((frame) => frame.cursor !== undefined)?.cursor;
  link?.inject({ type: "changes", cursor, more: false, changes });
}

/** The client still does what it should, on the connection that it has. */
async function ensureGoesOn({ client, write }: ClientWorld, links: number): Promise<void> {
  await write("and on");
  await client.send("and on and on");
  await client.shows("and on");
  await client.agree();
  ensureSame(client.proxy.attempts().length, { expected: links, what: "connections" });
}

const madeUpMessage = (rest: object): object => ({
  ...{ kind: "message", conversation: `${madeUp}conversation`, seq: 1, id: randomUUID(), from: "kit-somebody" },
  ...{ text: "made up", time: Date.now(), ...rest },
});

export const growthCases: readonly ClientCase[] = [
  {
    ...{ id: "C-34", section },
    title: "frame types, change kinds and fields that the client does not know are ignored",
    shows: "Otherwise no server can ever learn something new.",
    async run(world) {
      const { client, self } = world;
      client.proxy.faults.fromServer = (frame) => [{ ...frame, "kit-unheard-of": { deep: [1] } }];
      client.start();
      await client.status("online");
      const count = client.proxy.attempts().length;
      const link = client.proxy.links().at(-1);
      link?.inject({ type: "kit-unheard-of", id: 7, changes: "none" });
      injectChanges(world, [
        { kind: "kit-unheard-of", conversation: 3, user: null },
        { kind: "kit-reaction", user: self.name, seq: -1 },
      ]);
      await ensureGoesOn(world, count);
    },
  },
  {
    ...{ id: "C-35", section },
    title: "a deleted message, one without a recipient, and changes of unknown conversations are no faults",
    shows: "Otherwise the next release of a server breaks older clients.",
    async run(world) {
      const { client, peer } = world;
      client.start();
      await client.status("online");
      const count = client.proxy.attempts().length;
      injectChanges(world, [
        madeUpMessage({ to: world.self.name, text: "", deleted: "kit-somebody" }),
        madeUpMessage({ seq: 2, conversation: `${madeUp}group` }),
        { kind: "receipt", conversation: `${madeUp}unknown`, user: peer.name, delivered: 9, read: 3 },
        { kind: "relation", user: "kit-somebody", contact: true, blocked: false },
      ]);
      await ensureGoesOn(world, count);
    },
  },
  {
    ...{ id: "C-36", section },
    title: "a server that is older than tenants and levels is a server",
    shows: "Otherwise clients must be updated with their servers.",
    async run(world) {
      const { client } = world;
      client.proxy.faults.fromServer = (frame) => {
        if (frame.type !== "welcome") return [frame];
        const { tenant: _tenant, level: _level, ...older } = frame;
        return [older];
      };
      client.start();
      await client.status("online");
      await ensureGoesOn(world, client.proxy.attempts().length);
    },
  },
  {
    ...{ id: "C-37", section },
    title: "errors about a frame, and typing and presence that nobody asked for, are no faults",
    shows: "Otherwise a client ends for what concerns no message.",
    async run(world) {
      const { client, peer } = world;
      client.start();
      await client.status("online");
      const count = client.proxy.attempts().length;
      const link = client.proxy.links().at(-1);
      link?.inject({ type: "error", code: "not_found", message: "by the conformance kit" });
      link?.inject({ type: "typing", conversation: `${madeUp}unknown`, user: peer.name, typing: true });
      link?.inject({ type: "presence", user: peer.name, state: "offline", lastSeen: 1_780_000_020_000 });
      link?.inject({ type: "pong" });
      await ensureGoesOn(world, count);
    },
  },
  {
    ...{ id: "C-38", section },
    title: "when the server knows the client as another user, nothing is sent, kept or acked",
    shows: "Otherwise one user of a device gets or sends the messages of another.",
    async run({ client, peer, third, stranger, write, authorizationOf }) {
      await write("for the user of this device alone");
      // From the peer too: a client asks for the messages with its peer before any socket is greeted.
      for (const writer of [stranger, peer]) {
        const body = { id: randomUUID(), to: third.name, text: "of somebody else" };
        await writer.askFor(201, { method: "POST", path: "/messages", body });
      }
      client.proxy.faults.authorization = authorizationOf(third);
      client.proxy.faults.isOffline = true;
      client.start();
      await client.send("not as somebody else");
      client.proxy.faults.isOffline = false;
      // A client may see by the answer to a request that it is somebody else's, and open no connection.
      await until(() => client.proxy.named().length > 0 || client.proxy.links().some(isGreeted), {
        ...{ what: "an answer or a greeting as another user", ms: greetingMsMax },
      });
      await sleep(1_000);
      const links = client.proxy.links();
      ensureSame(sendsOf(links).length, { expected: 0, what: "sends as another user" });
      ensureSame(links.flatMap(fromClient).filter(({ type }) => type === "ack").length, { expected: 0, what: "acks" });
      // It may have ended by itself.
      await client.kill();
      client.proxy.faults.isOffline = true;
      client.start();
      ensureSame((await client.dump()).messages, { expected: [], what: "messages that are kept" });
      client.proxy.heal();
      await client.agree();
    },
  },
  {
    ...{ id: "C-39", section },
    title: "after a reset the cache is dropped, and the outbox is sent again under the same ids",
    shows: "Otherwise a restored server and its clients never agree again.",
    async run(world) {
      const { client, write } = world;
      client.start();
      await client.status("online");
      await write("in the backup");
      await client.shows("in the backup");
      const id = await client.send("accepted after the backup");
      await client.item(id, "accepted");
      await client.agree();
      await restore(world);
      await client.send("waits for the restored server");
      const { faults } = client.proxy;
      const before = client.proxy.links().length;
      // What goes out before the reset gets lost: it is what waits after it that counts.
      faults.fromClient = (frame) => (frame.type === "send" ? [] : [frame]);
      faults.isOffline = false;
      const isConfirmed = (): boolean =>
        client.proxy
          .links()
          .slice(before)
          .flatMap(fromClient)
          .some(({ type }) => type === "ack");
      await until(isConfirmed, { what: "the ack of the reset", ms: 30_000 });
      client.proxy.cutAll();
      client.proxy.heal();
      await client.agree();
      const { messages } = await client.dump();
      ensure(!messages.some(({ text }) => text === "accepted after the backup"), "the lost message is still kept");
    },
  },
  {
    ...{ id: "C-40", section },
    title: "a crash in the middle of a reset leaves the old data or the new, and loses nothing that waits",
    shows: "Otherwise a crash at the wrong moment mixes two histories.",
    async run(world) {
      const { client, write } = world;
      client.start();
      await client.status("online");
      for (let at = 0; at < 3; at++) await write(`before ${at}`);
      await client.agree();
      await restore(world);
      await client.send("waits through the crash");
      client.proxy.heal();
      const kills: Promise<void>[] = [];
      client.proxy.faults.fromServer = (frame) => {
        if (frame.type === "reset" && kills.length === 0) kills.push(sleep(3).then(() => client.kill()));
        return [frame];
      };
      await until(() => kills.length > 0, { what: "the reset on a new connection", ms: 30_000 });
      await Promise.all(kills);
      client.proxy.heal();
      client.start();
      await client.agree();
    },
  },
];

/**
 * Puts another history behind the proxy: it has the peer's first message, and lacks the rest. The client is left without a network, so that the case
 * can do something before it comes back.
 */
async function restore({ client, restored, self }: ClientWorld): Promise<void> {
  const { messages } = await client.dump();
  const [first] = messages.filter(({ from }) => from !== self.name);
  const second = await restored();
  if (first !== undefined)
    await second.peer.askFor(201, {
      ...{ method: "POST", path: "/messages", body: { id: first.id, to: self.name, text: first.text } },
    });
  client.forgetKept();
  client.proxy.faults.isOffline = true;
  for (const link of client.proxy.links()) link.close(1012, "the database was restored");
  client.proxy.faults.upstream = second.url;
}
