import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { routes } from "../../../src/http/api.ts";
import type { clientFrames } from "../../../src/protocol/client-schema.ts";
import { ask, type Answers, serverAt } from "../../http/ask.ts";
import { type Client, type Frame, endClients, join } from "../../support/client.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { newId } from "../../support/store.ts";

/** Data of alice and bob that a stranger may have learned; or similar data that does not exist. */
type Prize = {
  readonly conversation: string;
  /** A private group of the two, with the same message in it. */
  readonly group: string;
  /** An invitation into it: its id, not its token. */
  readonly invite: string;
  /** The id with which its maker made it. */
  readonly groupKey: string;
  readonly messageId: string;
  readonly cursor: string;
  /** A name: of a victim, or of a missing user. */
  readonly user: string;
  readonly seq: number;
};

type Try = { readonly path: string; readonly method?: string; readonly body?: object };

/** For every route: a stranger's tries with each part of the prize. A route without a case fails. */
const routeTries: Readonly<Record<string, (prize: Prize) => readonly Try[]>> = {
  "GET /messages": ({ conversation, group, messageId, user, seq }) =>
    [
      `conversation=${group}`,
      `conversation=${group}&ids=${messageId}`,
      `conversation=${group}&around=${seq}`,
      `conversation=${conversation}`,
      `conversation=${conversation}&before=${seq + 1}`,
      `conversation=${conversation}&after=0&limit=1`.replace("after=0", "after=1"),
      `conversation=${conversation}&around=${seq}`,
      `conversation=${conversation}&ids=${messageId}`,
      `conversation=${conversation}&undelivered=true`,
      `ids=${messageId}`,
      `from=${user}`,
      `with=${user}`,
      "undelivered=true&device=phone",
    ].map((query) => ({ path: `/messages?${query}` })),
  "GET /changes": ({ user, cursor }) => [
    { path: `/changes?device=probe&wait=0&watch=${user}` },
    { path: `/changes?device=probe&wait=0&cursor=${cursor}` },
  ],
  "POST /messages": ({ conversation, group, messageId }) => [
    { path: "/messages", body: { id: "01980000-0000-7000-8000-00000000aaab", conversation: group, text: "let me in" } },
    { path: "/messages", body: { id: "01980000-0000-7000-8000-00000000aaaa", conversation, text: "let me in" } },
    { path: "/messages", body: { id: messageId, conversation, text: "secret" } },
  ],
  "POST /ack": ({ cursor }) => [{ path: "/ack", body: { device: "phone", cursor } }],
  "GET /conversations": () => [{ path: "/conversations" }, { path: "/conversations?level=3" }],
  "POST /conversations/:id/read": ({ conversation, group, seq }) => [
    { path: `/conversations/${group}/read`, body: { seq } },
    { path: `/conversations/${conversation}/read`, body: { seq } },
  ],
  "GET /contacts": () => [{ path: "/contacts" }],
  "POST /contacts": () => [],
  "GET /contacts/:user": ({ user }) => [{ path: `/contacts/${user}` }],
  "PUT /contacts/:user": ({ user }) => [{ path: `/contacts/${user}`, method: "PUT" }],
  "DELETE /contacts/:user": ({ user }) => [{ path: `/contacts/${user}`, method: "DELETE" }],
  "GET /blocks": () => [{ path: "/blocks" }],
  "PUT /blocks/:user": ({ user }) => [{ path: `/blocks/${user}`, method: "PUT" }],
  "DELETE /blocks/:user": ({ user }) => [{ path: `/blocks/${user}`, method: "DELETE" }],
  // A group of the asker's own is made, whoever has made one with that id.
  "POST /groups": ({ groupKey }) => [{ path: "/groups", body: { id: groupKey, name: "mine" } }],
  "GET /groups/:id": ({ group, conversation }) => [{ path: `/groups/${group}` }, { path: `/groups/${conversation}` }],
  "PATCH /groups/:id": ({ group }) => [
    { path: `/groups/${group}`, method: "PATCH", body: { name: "mine", visibility: "open" } },
    { path: `/groups/${group}`, method: "PATCH", body: { name: "mine", version: 1 } },
  ],
  "GET /groups/:id/members": ({ group, user }) => [
    { path: `/groups/${group}/members` },
    { path: `/groups/${group}/members?after=${user}` },
  ],
  "GET /groups/:id/readers": ({ group, seq }) => [{ path: `/groups/${group}/readers?seq=${seq}` }],
  "POST /groups/:id/members": ({ group, user }) => [
    { path: `/groups/${group}/members`, body: { users: ["eve"] } },
    { path: `/groups/${group}/members`, body: { users: [user] } },
  ],
  "PUT /groups/:id/members/:user": ({ group, user }) => [
    { path: `/groups/${group}/members/${user}`, method: "PUT", body: { role: "member" } },
  ],
  "DELETE /groups/:id/members/:user": ({ group, user }) => [
    { path: `/groups/${group}/members/${user}`, method: "DELETE" },
  ],
  "POST /groups/:id/join": ({ group }) => [{ path: `/groups/${group}/join`, method: "POST" }],
  "GET /groups/:id/invites": ({ group, invite }) => [
    { path: `/groups/${group}/invites` },
    { path: `/groups/${group}/invites?after=${invite}` },
  ],
  "POST /groups/:id/invites": ({ group }) => [
    { path: `/groups/${group}/invites`, body: {} },
    { path: `/groups/${group}/invites`, body: { expiresIn: 60, uses: 2 } },
  ],
  "DELETE /groups/:id/invites/:invite": ({ group, invite }) => [
    { path: `/groups/${group}/invites/${invite}`, method: "DELETE" },
  ],
  "POST /invites/:token/join": ({ group, invite }) => [
    { path: `/invites/${invite}/join`, method: "POST" },
    { path: `/invites/${group}/join`, method: "POST" },
  ],
  "POST /groups/:id/leave": ({ group }) => [{ path: `/groups/${group}/leave`, method: "POST" }],
  "GET /conversations/:id/mute": ({ conversation, group }) => [
    { path: `/conversations/${group}/mute` },
    { path: `/conversations/${conversation}/mute` },
  ],
  "PUT /conversations/:id/mute": ({ conversation }) => [
    { path: `/conversations/${conversation}/mute`, method: "PUT", body: {} },
  ],
  // About the asker alone.
  "GET /me": () => [{ path: "/me" }],
  "GET /conversations/:id": ({ conversation, group, user }) => [
    { path: `/conversations/${group}` },
    { path: `/conversations/${conversation}` },
    { path: `/conversations?with=${user}` },
  ],
  "DELETE /conversations/:id/mute": ({ conversation }) => [
    { path: `/conversations/${conversation}/mute`, method: "DELETE" },
  ],
  // Devices belong to the asker, whatever their names.
  "PUT /devices/:device": () => [{ path: "/devices/phone", method: "PUT", body: { notify: false } }],
  "DELETE /devices/:device": () => [
    { path: "/devices/phone", method: "DELETE" },
    { path: "/devices/phone?forget=true", method: "DELETE" },
  ],
  "GET /quiet-hours": () => [{ path: "/quiet-hours" }],
  "PUT /quiet-hours": () => [
    { path: "/quiet-hours", method: "PUT", body: { from: "22:00", to: "07:00", timeZone: "UTC" } },
  ],
  "DELETE /quiet-hours": () => [{ path: "/quiet-hours", method: "DELETE" }],
  "GET /push": () => [{ path: "/push" }],
  "GET /push/explain": ({ messageId, user }) => [
    { path: `/push/explain?message=${messageId}` },
    { path: `/push/explain?message=${messageId}&for=${user}` },
  ],
  "POST /tickets": () => [{ path: "/tickets", body: {} }],
};

/** The same for every frame. A volatile frame, or an answer about the asker, shows nothing of others. */
const frameTries: Readonly<Record<keyof typeof clientFrames, (prize: Prize) => readonly object[]>> = {
  send: ({ conversation, group, messageId }) => [
    { type: "send", id: messageId, conversation: group, text: "let me in" },
    { type: "send", id: messageId, conversation, text: "let me in" },
    { type: "send", id: messageId, conversation, text: "secret" },
  ],
  ack: ({ cursor }) => [{ type: "ack", cursor }],
  read: ({ conversation, group, seq }) => [
    { type: "read", conversation, seq },
    { type: "read", conversation: group, seq },
  ],
  typing: ({ conversation, group, user }) => [
    { type: "typing", conversation: group, typing: true },
    { type: "typing", conversation, typing: true },
    { type: "typing", to: user, typing: true },
  ],
  watch: ({ user }) => [{ type: "watch", users: [user] }],
  authenticate: () => [{ type: "authenticate", token: "of-alice" }],
  ping: () => [],
};

const quietMs = 600;

let server: RunningServer;
let api: Answers;
let prize: Prize;
const nothing: Prize = {
  conversation: "c1000unknown",
  group: "c1000unheard",
  invite: newId(),
  groupKey: newId(),
  messageId: newId(),
  cursor: "",
  user: "nobody",
  seq: 2,
};
let alice: Client;
beforeAll(async () => {
  server = await startServer();
  api = serverAt(server.port);
  alice = await join(server.url, { user: "alice" });
  const bob = await join(server.url, { user: "bob" });
  const id = newId();
  await alice.sendOk({ to: "bob" }, "secret", id);
  const { conversation, seq } = await bob.sendOk({ to: "alice" }, "secret too");
  await alice.when(() => alice.messages().some((message) => message.text === "secret too"));
  await ask(api, "alice", "/contacts/bob", { method: "PUT" });
  await ask(api, "alice", "/blocks/carol", { method: "PUT" });
  await ask(api, "alice", `/conversations/${conversation}/mute`, { method: "PUT", body: {} });
  const groupKey = newId();
  const made = await ask(api, "alice", "/groups", {
    body: { id: groupKey, name: "the secret group", members: ["bob"] },
  });
  const group = String((made.body as { id?: string }).id);
  await alice.sendOk({ conversation: group }, "secret of the group", newId());
  await alice.settle();
  const invited = await ask(api, "alice", `/groups/${group}/invites`, { body: { uses: 5 } });
  const invite = String((invited.body as { id?: string }).id);
  prize = { conversation, group, invite, groupKey, messageId: id, cursor: alice.cursor(), user: "bob", seq };
});
afterAll(async () => {
  endClients();
  await server.dispose();
});

/** Everything that the victims can see of themselves. */
async function victims(): Promise<string> {
  const seen: unknown[] = [];
  for (const user of ["alice", "bob"])
    for (const path of [
      "/messages?with=alice",
      "/messages?with=bob",
      "/messages?device=unused",
      "/conversations",
      "/conversations?level=3",
      `/messages?conversation=${prize.group}`,
      `/groups/${prize.group}`,
      `/groups/${prize.group}/members`,
      `/groups/${prize.group}/invites`,
      "/contacts",
      "/blocks",
      "/quiet-hours",
      `/conversations/${prize.conversation}/mute`,
      `/push/explain?message=${prize.messageId}`,
    ])
      seen.push([path, (await ask(api, user, path)).body]);
  return timeless(JSON.stringify(seen));
}

/** The content of an answer, without the names in the request. */
const contentOf = (answer: { status: number; text: string }, prize: Prize): string =>
  `${answer.status} ${nameless(answer.text, prize)}`;

const nameless = (text: string, { user, conversation, group, invite, groupKey, messageId }: Prize): string =>
  [user, conversation, group, invite, groupKey, messageId].reduce(
    (left, name, i) => left.replaceAll(name, `NAME${i}`),
    text,
  );

const timeless = (text: string): string =>
  text
    .replace(/"(ticket|cursor|next)":"[^"]*"/g, '"$1":""')
    .replace(/"(expiresAt|time)":\d+/g, '"$1":0')
    .replace(/"ev[ae]\d+"/g, '"ASKER"')
    // A group that was made.
    .replace(/"id":"c[0-9a-z]+"/g, '"id":"MADE"');

/** The frames that a raw client receives after its own, without empty changes. */
async function sendAll(user: string, frames: readonly object[]): Promise<readonly Frame[]> {
  const socket = new WebSocket(`${server.url}/ws?user=${user}`);
  const received: Frame[] = [];
  const waiting = Promise.withResolvers<void>();
  socket.onerror = () => waiting.reject(new Error(`${user} could not connect`));
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    received.push(frame);
    if (frame.type === "changes" && received.length === 2)
      for (const one of [...frames, { type: "ping", id: "last" }]) socket.send(JSON.stringify(one));
    if (frame.type === "pong") waiting.resolve();
  };
  await waiting.promise;
  // Presence and changes come later.
  await Bun.sleep(quietMs);
  socket.close();
  return received.slice(2).filter((frame) => frame.type !== "changes" || frame.changes.length > 0);
}

for (const tenant of ["default", "rival"])
  describe(`a stranger of ${tenant === "default" ? "the same tenant" : "another tenant"}`, () => {
    const as = (user: string): string => `${user}&tenant=${tenant}`;

    test("T3 T4 every route answers for others' data as for missing data, and neither shows nor changes it", async () => {
      const before = await victims();
      const known = Object.entries(routes).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`),
      );
      expect(Object.keys(routeTries).toSorted()).toEqual(known.toSorted());
      let tried = 0;
      for (const [route, tries] of Object.entries(routeTries)) {
        const cursors = await join(server.url, {
          user: "eve",
          device: "probe",
          ...(tenant !== "default" && { tenant }),
        });
        const own = { ...nothing, cursor: cursors.cursor() };
        cursors.terminate();
        const [real, none] = [tries(prize), tries(own)];
        for (const [i, { path, method, body }] of real.entries()) {
          tried++;
          const options = { ...(method !== undefined && { method }), ...(body && { body }) };
          const other = none[i];
          // Each try by a new user.
          const answer = await ask(api, as(`eve${route.length}${i}`), path, options);
          const blank = await ask(api, as(`eva${route.length}${i}`), other?.path ?? "", {
            ...(other?.method !== undefined && { method: other.method }),
            ...(other?.body && { body: other.body }),
          });
          expect(answer.text).not.toContain("secret");
          expect([route, path, timeless(contentOf(answer, prize))]).toEqual([
            route,
            path,
            timeless(contentOf(blank, own)),
          ]);
        }
      }
      expect(tried).toBeGreaterThan(18);
      expect(await victims()).toBe(before);
    });

    test("T3 T4 so does every frame", async () => {
      const before = await victims();
      const tryOne = async ([type, tries]: [string, (prize: Prize) => readonly object[]]): Promise<void> => {
        const own = { ...nothing, cursor: prize.cursor.replace(/\.\w+$/, ".0") };
        const received = await sendAll(as(`mallory-${type}`), tries(prize));
        const blank = await sendAll(as(`mallory-${type}`), tries(own));
        const text = (frames: readonly Frame[], of: Prize): string => nameless(JSON.stringify(frames), of);
        expect([type, text(received, prize)]).toEqual([type, text(blank, own)]);
        expect(JSON.stringify(received)).not.toContain("secret");
      };
      await Promise.all(Object.entries(frameTries).map(tryOne));
      expect(await victims()).toBe(before);
      expect(alice.frames.some((frame) => frame.type === "typing")).toBe(false);
    });
  });

test("control: T3 the victims' own answers differ, so a leaking answer would be seen", async () => {
  const mine = await ask(api, "alice", `/messages?conversation=${prize.conversation}`);
  const blank = await ask(api, "alice", `/messages?conversation=${nothing.conversation}`);
  expect(contentOf(mine, prize)).not.toBe(contentOf(blank, nothing));
  expect(mine.text).toContain("secret");
});
