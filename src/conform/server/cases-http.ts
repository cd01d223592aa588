import { randomUUID } from "node:crypto";
import { ensure, ensureSame } from "../check.ts";
import type { Frame } from "../frames.ts";
import { rowsOf } from "./user.ts";
import type { ServerCase } from "./world.ts";

const section = "5";

type Listed = { readonly id: string; readonly seq: number; readonly text: string; readonly kind: string };

export const httpCases: readonly ServerCase[] = [
  {
    ...{ id: "S-44", section },
    title: "POST /messages is answered 201, a retry 200, other content 409, and the recipient gets one message",
    shows: "Otherwise a send by HTTP is lost or doubled.",
    async run({ alice, bob, device }) {
      const to = await bob.connect({ device: device() });
      const body = { id: randomUUID(), to: bob.name, text: "by HTTP" };
      const call = { method: "POST", path: "/messages" };
      const first = await alice.askFor(201, { ...call, body });
      const again = await alice.askFor(200, { ...call, body });
      ensureSame(again.body, { expected: { ...first.body, duplicate: true }, what: "the answer to the retry" });
      const conflict = await alice.askFor(409, { ...call, body: { ...body, text: "other" } });
      ensureSame(conflict.body?.["code"], { expected: "conflict", what: "the code" });
      const socket = await alice.connect({ device: device() });
      ensureSame((await socket.accepted({ to: bob.name }, "by HTTP", body.id)).duplicate, {
        ...{ expected: true, what: "a retry over a socket" },
      });
      await socket.accepted({ to: bob.name }, "after it");
      await to.change("message", ({ text }) => text === "after it");
      const found = to.changes("message").filter(({ id }) => id === body.id).length;
      ensureSame(found, { expected: 1, what: "messages of this id" });
    },
  },
  {
    ...{ id: "S-45", section },
    title: "history has every message once, oldest first, and next goes on where a page ends",
    shows: "Otherwise scrolling back shows holes.",
    async run({ alice, bob, device }) {
      const sender = await alice.connect({ device: device() });
      const marker = await sender.accepted({ to: bob.name }, "start");
      const texts = Array.from({ length: 7 }, (_, at) => `history ${at}`);
      for (const text of texts) await sender.accepted({ to: bob.name }, text);
      const read = async (query: Readonly<Record<string, string | number>>) => {
        const { body } = await bob.askFor(200, { path: "/messages", query });
        return body as { readonly messages: readonly Listed[]; readonly more: unknown; readonly next?: string };
      };
      const from = { with: alice.name, after: marker.seq ?? 0, limit: 3 };
      let page = await read(from);
      const found = [...page.messages];
      for (let at = 0; at < 10 && page.next !== undefined && page.next !== null; at++) {
        page = await read({ next: page.next });
        found.push(...page.messages);
      }
      ensureSame(
        found.map(({ text }) => text),
        { expected: texts, what: "the pages together" },
      );
      ensure(
        found.every(({ kind }) => kind === "message"),
        "a message in history has no kind",
      );
      const newest = await read({ with: alice.name, limit: 2 });
      ensureSame(
        newest.messages.map(({ text }) => text),
        { expected: texts.slice(-2), what: "the newest page" },
      );
      ensureSame(newest.more, { expected: { before: true, after: false }, what: "more of the newest page" });
      const before = await read({ with: alice.name, before: Number(marker.seq) + 3, limit: 2 });
      ensureSame(
        before.messages.map(({ text }) => text),
        { expected: texts.slice(0, 2), what: "the page before" },
      );
    },
  },
  {
    ...{ id: "S-46", section },
    title: "the list of conversations has the newest first, with its last message and what is unread",
    shows: "Otherwise the list of an app is wrong.",
    async run({ alice, bob, carol, device }) {
      const sockets = [await bob.connect({ device: device() }), await carol.connect({ device: device() })] as const;
      const mine = await alice.connect({ device: device() });
      await sockets[0].accepted({ to: alice.name }, "from bob");
      await sockets[1].accepted({ to: alice.name }, "from carol");
      await mine.accepted({ to: carol.name }, "to carol");
      const last = await sockets[0].accepted({ to: alice.name }, "from bob again");
      const { body } = await alice.askFor(200, { path: "/conversations", query: { limit: 2 } });
      const list = rowsOf<{
        readonly id: string;
        readonly with: string;
        readonly unread: number;
        readonly lastMessage: { readonly text: string };
      }>(body, "conversations");
      const rows = list.map((one) => [one.with, one.lastMessage.text]);
      ensureSame(rows, {
        ...{
          expected: [
            [bob.name, "from bob again"],
            [carol.name, "to carol"],
          ],
          what: "the list",
        },
      });
      const unread = Number(list[0]?.unread);
      ensure(unread >= 2, `two messages were not read, and unread is ${unread}`);
      const path = `/conversations/${last.conversation}`;
      const one = await alice.askFor(200, { path });
      ensureSame(one.body, { expected: list[0], what: "one conversation" });
      await alice.askFor(204, { method: "POST", path: `${path}/read`, body: { seq: last.seq } });
      ensureSame((await alice.askFor(200, { path })).body?.["unread"], { expected: 0, what: "unread after reading" });
    },
  },
  {
    ...{ id: "S-47", section },
    title: "GET /me says who the user is, or refuses as an upgrade would be refused",
    shows: "Otherwise a browser cannot say why it has no connection.",
    async run({ alice, nobody, device }) {
      const { welcome } = await alice.connect({ device: device() });
      const { body } = await alice.askFor(200, { path: "/me" });
      ensureSame([body?.["user"], body?.["tenant"], body?.["heartbeatMs"], body?.["limits"]], {
        ...{ expected: [alice.name, welcome.tenant, welcome.heartbeatMs, welcome.limits], what: "the answer" },
      });
      const refused = await nobody.askFor(401, { path: "/me" });
      ensureSame(refused.body?.["code"], { expected: "unauthenticated", what: "the code" });
      await alice.askFor(403, { path: "/me", query: { origin: "https://elsewhere.example" } });
    },
  },
  {
    ...{ id: "S-48", section },
    title: "GET /changes answers with the frames of a socket, at once when something is there",
    shows: "Otherwise a client behind a proxy without WebSockets gets nothing.",
    async run({ alice, bob, device }) {
      const name = device();
      const ask = async (query: Readonly<Record<string, string | number>>) => {
        const { body } = await bob.askFor(200, { path: "/changes", query: { device: name, ...query } });
        return body as { readonly cursor: string; readonly frames: readonly Frame[] };
      };
      const sender = await alice.connect({ device: device() });
      const first = await ask({ wait: 0 });
      ensureSame(first.frames[0]?.type, { expected: "welcome", what: "the first frame" });
      let { cursor } = first;
      const waiting = ask({ wait: 3, cursor });
      const { id, seq } = await sender.accepted({ to: bob.name }, "to a poller");
      const messages: unknown[] = [];
      let page = await waiting;
      for (let at = 0; at < 3; at++) {
        messages.push(...page.frames.flatMap(({ changes = [] }) => changes.filter(({ kind }) => kind === "message")));
        ({ cursor } = page);
        if (messages.some((one) => (one as { id?: string }).id === id)) break;
        page = await ask({ wait: 3, cursor });
      }
      ensure(
        messages.some((one) => (one as { id?: string }).id === id),
        "the message did not come",
      );
      await ask({ wait: 0, cursor });
      await sender.change("receipt", (one) => one.user === bob.name && Number(one.delivered) >= Number(seq));
    },
  },
  {
    ...{ id: "S-49", section },
    title: "unknown and malformed parameters, bodies and fields are answered 400",
    shows: "Otherwise a misspelt parameter selects everything.",
    async run({ alice, bob }) {
      const message = { id: randomUUID(), to: bob.name, text: "hi" };
      const calls: readonly (readonly [string, string, object])[] = [
        ["GET", "/messages", { query: { wiht: bob.name } }],
        ["GET", "/messages", { query: { with: bob.name, limit: "+3" } }],
        ["GET", "/messages", { query: { with: bob.name, limit: 201 } }],
        ["GET", "/messages", { query: { with: bob.name, before: 2, after: 1 } }],
        ["GET", "/messages", { query: { before: 2 } }],
        ["POST", "/messages", { body: { ...message, extra: 1 } }],
        ["POST", "/messages", { body: { ...message, id: "no-uuid" } }],
        ["POST", "/messages", { body: "{" }],
        ["POST", "/messages", { body: { ...message, text: "" } }],
        ["POST", "/ack", { body: { device: "d" } }],
      ];
      for (const [method, path, asked] of calls) {
        const { status, body, headers } = await alice.ask(method, path, asked);
        const what = `${method} ${path} ${JSON.stringify(asked)}`;
        ensureSame([status, body?.["code"]], { expected: [400, "bad_request"], what });
        ensure(headers.get("content-type")?.startsWith("application/problem+json"), `${what} is no problem+json`);
      }
    },
  },
  {
    ...{ id: "S-50", section },
    title: "another method is answered 405 with Allow, another path 404, a body over the limit is refused",
    shows: "Otherwise mistakes look like faults of the server.",
    async run({ alice, bob }) {
      const wrong = await alice.askFor(405, { method: "DELETE", path: "/messages" });
      ensure(/\bGET\b/.test(wrong.headers.get("allow") ?? ""), "Allow does not name GET");
      await alice.askFor(404, { path: "/no-such-route" });
      const body = { id: randomUUID(), to: bob.name, text: "x".repeat(70_000) };
      const { status } = await alice.ask("POST", "/messages", { body });
      ensure(status === 400 || status === 413, `a body of 70,000 bytes was answered ${status}`);
    },
  },
];
