import { ensure, ensureSame } from "../check.ts";
import type { ServerCase } from "./world.ts";

const section = "2";

/** The refusals of an upgrade, each by what is wrong with it. */
const malformed: readonly string[] = [
  "device=",
  "device=..",
  "device=a%2Fb",
  `device=${"d".repeat(129)}`,
  "device=a&device=b",
  "device=a&cursor=",
  "device=a&cursor=%00",
  "device=a&level=0",
  "device=a&level=1.5",
  "device=a&level=01",
];

export const connectCases: readonly ServerCase[] = [
  {
    ...{ id: "S-01", section: "3" },
    title: "welcome is the first frame, and a changes frame with more:false follows",
    shows: "Otherwise a client does not know who it is, and when it has caught up.",
    async run({ alice, device }) {
      const name = device();
      const { welcome, frames } = await alice.connect({ device: name });
      ensureSame(frames()[0], { expected: welcome, what: "the first frame" });
      ensureSame(frames().filter(({ type }) => type === "welcome").length, { expected: 1, what: "welcome frames" });
      ensureSame([welcome.user, welcome.device], { expected: [alice.name, name], what: "who was greeted" });
    },
  },
  {
    ...{ id: "S-02", section },
    title: "an upgrade without credentials is answered 401",
    shows: "Otherwise a stranger reads the messages.",
    async run({ nobody }) {
      const { status, headers, body } = await nobody.upgrade({ device: "d" });
      ensureSame(status, { expected: 401, what: "the status" });
      ensure(headers.get("content-type")?.startsWith("application/problem+json"), "the body is no problem+json");
      ensureSame((JSON.parse(body) as { code?: unknown }).code, { expected: "unauthenticated", what: "the code" });
    },
  },
  {
    ...{ id: "S-03", section },
    title: "a malformed or doubled parameter of an upgrade is answered 400",
    shows: "Otherwise a mistake in a client shows as lost messages.",
    async run({ alice }) {
      for (const query of malformed) {
        const { status, stream } = await alice.upgrade(query);
        stream.destroy();
        ensureSame(status, { expected: 400, what: `the status for ${query}` });
      }
    },
  },
  {
    ...{ id: "S-04", section },
    title: "a request without the upgrade headers is answered 426",
    shows: "Otherwise one sees in a browser only that something is wrong.",
    async run({ alice }) {
      await alice.askFor(426, { path: "/ws", query: { device: "d" } });
    },
  },
  {
    ...{ id: "S-05", section },
    title: "an upgrade and an unsafe request from a foreign Origin are answered 403",
    shows: "Otherwise a page of another site chats in the name of its visitor.",
    async run({ alice, bob }) {
      const headers = { Origin: "https://elsewhere.example" };
      const { status, stream } = await alice.upgrade({ device: "d" }, headers);
      stream.destroy();
      ensureSame(status, { expected: 403, what: "the status of the upgrade" });
      await alice.askFor(403, { method: "PUT", path: `/contacts/${bob.name}`, headers });
    },
  },
  {
    ...{ id: "S-06", section },
    title: "of the offered subprotocols tidings.v1 is selected, and nothing else is echoed",
    shows: "Otherwise browsers refuse the connection.",
    async run({ alice, device }) {
      for (const [offered, expected] of [
        ["tidings.v1", "tidings.v1"],
        ["other, tidings.v1", "tidings.v1"],
        ["other", undefined],
      ] as const) {
        const name = "Sec-WebSocket-Protocol";
        const { status, headers, stream } = await alice.upgrade({ device: device() }, { [name]: offered });
        stream.destroy();
        ensureSame(status, { expected: 101, what: "the status" });
        ensureSame(headers.get(name.toLowerCase()), { expected, what: `the subprotocol of ${offered}` });
      }
    },
  },
  {
    ...{ id: "S-07", section },
    title: "a level above the server's counts as the server's, and welcome has the level of the connection",
    shows: "Otherwise newer clients cannot talk to older servers.",
    async run({ alice, device }) {
      const low = await alice.connect({ device: device() });
      ensureSame(low.welcome.level, { expected: 1, what: "the level without the parameter" });
      const high = await alice.connect({ device: device(), level: 1_000_000 });
      const { level = 0 } = high.welcome;
      ensure(level >= 1 && level < 1_000_000, `the level is ${level}`);
    },
  },
  {
    ...{ id: "S-08", section },
    title: "a device that comes with a higher level gets a reset of the reason level",
    shows: "Otherwise it lacks the changes that its cursor has passed.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await alice.connect({ device: name });
      await (await bob.connect({ device: device() })).accepted({ to: alice.name }, "before the level");
      await first.change("message", ({ text }) => text === "before the level");
      first.ack();
      await first.settle();
      await first.close();
      const query = { device: name, level: 2, cursor: first.cursor() };
      const second = await alice.connect(query);
      ensureSame((await second.next("reset")).reason, { expected: "level", what: "the reason" });
      ensureSame(second.frames()[1]?.type, { expected: "reset", what: "the second frame" });
    },
  },
  {
    ...{ id: "S-09", section },
    title: "a ticket opens one socket, of its user, and no second one",
    shows: "Otherwise a copied URL opens the chat.",
    async run({ alice, nobody, device }) {
      const { body } = await alice.askFor(201, { method: "POST", path: "/tickets" });
      const ticket = String(body?.["ticket"]);
      const socket = await nobody.connect({ device: device(), ticket });
      ensureSame(socket.welcome.user, { expected: alice.name, what: "the user" });
      for (const [query, status] of [
        [{ device: "d", ticket }, 401],
        [{ device: "d", ticket: ticket.replace(/^./, (first) => (first === "A" ? "B" : "A")) }, 401],
        ["device=d&ticket=a&ticket=b", 400],
      ] as const) {
        const refused = await nobody.upgrade(query);
        refused.stream.destroy();
        ensureSame(refused.status, { expected: status, what: `the status for ${JSON.stringify(query)}` });
      }
    },
  },
  {
    ...{ id: "S-10", section: "4" },
    title: "a socket goes on after an authenticate frame, and with a new token it has a new end",
    shows: "Otherwise each new token costs a new connection, or a wrong one ends the session.",
    async run({ alice, device, signAlice }) {
      const token = signAlice(1_800);
      const socket = await alice.connect({ device: device() });
      socket.send({ type: "authenticate", token: "not-a-token", id: "wrong" });
      const { code, id } = await socket.next("error");
      ensureSame([code, id], { expected: ["unauthenticated", "wrong"], what: "the answer to a wrong token" });
      socket.send({ type: "authenticate", token, id: "right" });
      const { expiresAt = 0 } = await socket.next("authenticated", (frame) => frame.id === "right");
      const seconds = (expiresAt - Date.now()) / 1_000;
      ensure(seconds > 1_500 && seconds < 1_900, `the session ends in ${seconds} s in place of 1,800`);
      await socket.settle();
    },
  },
];
