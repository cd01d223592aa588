import { ensure, ensureSame } from "../check.ts";
import type { Connection } from "./connection.ts";
import type { ServerCase } from "./world.ts";

const section = "2";
const textsOf = (socket: Connection): readonly unknown[] => socket.changes("message").map(({ text }) => text);

/** Acks everything that `socket` was sent, and resolves when the ack is on disk: the sender of the last message gets its receipt. */
async function ack(socket: Connection, sender: Connection): Promise<void> {
  const { user } = socket.welcome;
  const { conversation, seq } = socket.changes("message").at(-1) ?? {};
  socket.ack();
  await sender.change(
    "receipt",
    (one) => one.conversation === conversation && one.user === user && Number(one.delivered) >= Number(seq),
  );
}

/** Resolves when the connection has sent this text. */
const has = async (socket: Connection, text: string): Promise<void> =>
  void (await socket.change("message", (change) => change.text === text));

export const resumeCases: readonly ServerCase[] = [
  {
    ...{ id: "S-21", section: "3" },
    title: "a device that comes back with its cursor gets what it missed, once and in order",
    shows: "Otherwise messages are lost or doubled at every reconnect.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await bob.connect({ device: name });
      const sender = await alice.connect({ device: device() });
      await sender.accepted({ to: bob.name }, "before");
      await has(first, "before");
      await first.close();
      const missed = Array.from({ length: 30 }, (_, at) => `missed ${at}`);
      for (const text of missed) await sender.accepted({ to: bob.name }, text);
      const second = await bob.connect({ device: name, cursor: first.cursor() });
      ensureSame(textsOf(second), { expected: missed, what: "the messages after the cursor" });
    },
  },
  {
    ...{ id: "S-22", section },
    title: "a known device without a cursor goes on after its ack",
    shows: "Otherwise a simple client gets everything at each start, or nothing.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await bob.connect({ device: name });
      const sender = await alice.connect({ device: device() });
      await sender.accepted({ to: bob.name }, "acked");
      await has(first, "acked");
      await ack(first, sender);
      await sender.accepted({ to: bob.name }, "not acked");
      await has(first, "not acked");
      await first.close();
      ensureSame(textsOf(await bob.connect({ device: name })), { expected: ["not acked"], what: "the messages" });
    },
  },
  {
    ...{ id: "S-23", section },
    title: "connecting with a cursor acks it",
    shows: "Otherwise messages that a device has are reported as undelivered.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await bob.connect({ device: name });
      const sender = await alice.connect({ device: device() });
      const { seq, conversation } = await sender.accepted({ to: bob.name }, "acked by coming back");
      await has(first, "acked by coming back");
      await first.close();
      await bob.connect({ device: name, cursor: first.cursor() });
      await sender.change(
        "receipt",
        (one) => one.conversation === conversation && Number(one.delivered) >= Number(seq),
      );
    },
  },
  {
    ...{ id: "S-24", section },
    title: "a user's first device starts at the beginning, a new one after the furthest ack of the others",
    shows: "Otherwise the first messages of a user are lost, or a new device gets everything again.",
    async run({ alice, bob, device, needNewUsers }) {
      needNewUsers();
      const sender = await alice.connect({ device: device() });
      await sender.accepted({ to: bob.name }, "sent to someone who was never here");
      const first = await bob.connect({ device: device() });
      ensureSame(textsOf(first), { expected: ["sent to someone who was never here"], what: "the first device" });
      await ack(first, sender);
      await sender.accepted({ to: bob.name }, "after the ack");
      await has(first, "after the ack");
      ensureSame(textsOf(await bob.connect({ device: device() })), {
        expected: ["after the ack"],
        what: "the new device",
      });
    },
  },
  {
    ...{ id: "S-25", section },
    title: "each connection replays from its own cursor, also below the ack of its device",
    shows: "Otherwise two tabs take messages from each other.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await bob.connect({ device: name });
      const old = first.cursor();
      const sender = await alice.connect({ device: device() });
      await sender.accepted({ to: bob.name }, "for both tabs");
      await has(first, "for both tabs");
      await ack(first, sender);
      ensureSame(textsOf(await bob.connect({ device: name, cursor: old })), {
        ...{ expected: ["for both tabs"], what: "the tab with the older cursor" },
      });
      ensureSame(textsOf(await bob.connect({ device: name })), { expected: [], what: "after the ack" });
    },
  },
  {
    ...{ id: "S-26", section: "4" },
    title: "an ack is not answered, and one that no server can have made is a bad frame",
    shows: "Otherwise a client that stores a wrong cursor is not noticed.",
    async run({ alice, device }) {
      const socket = await alice.connect({ device: device() });
      socket.ack();
      await socket.settle();
      ensureSame(socket.frames().filter(({ type }) => type === "error").length, { expected: 0, what: "errors" });
      socket.send({ type: "ack", cursor: "\u0001" });
      ensureSame((await socket.next("error")).code, { expected: "bad_frame", what: "the code" });
    },
  },
  {
    ...{ id: "S-27", section: "3" },
    title: "a long backlog comes in frames of at most 64 KiB, with more:true before the last",
    shows: "Otherwise a device that was away gets frames that it cannot hold.",
    async run({ alice, bob, device }) {
      const name = device();
      const first = await bob.connect({ device: name });
      await first.close();
      const sender = await alice.connect({ device: device() });
      const text = "x".repeat(15_000);
      for (let at = 0; at < 12; at++) await sender.accepted({ to: bob.name }, `${at} ${text}`);
      const second = await bob.connect({ device: name, cursor: first.cursor() });
      const pages = second.frames().filter(({ type }) => type === "changes");
      const sizes = pages.map((page) => Buffer.byteLength(JSON.stringify(page)));
      ensure(
        sizes.every((size) => size <= 65_536),
        `the frames have ${sizes.join(", ")} bytes`,
      );
      const firstPages = pages.slice(
        0,
        pages.findIndex(({ more }) => more === false),
      );
      ensure(
        firstPages.length >= 2 && firstPages.every(({ more }) => more === true),
        "no frame but the last has more:true",
      );
      ensureSame(textsOf(second).length, { expected: 12, what: "messages" });
    },
  },
];
