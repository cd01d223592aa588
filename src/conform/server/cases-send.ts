import { randomUUID } from "node:crypto";
import { ensure, ensureSame } from "../check.ts";
import type { Frame } from "../frames.ts";
import { rowsOf } from "./user.ts";
import type { ServerCase } from "./world.ts";

const section = "3";
const placeOf = ({ conversation, seq, time }: Frame): readonly unknown[] => [conversation, seq, time];

export const sendCases: readonly ServerCase[] = [
  {
    ...{ id: "S-11", section },
    title: "an accepted message reaches the recipient with the same id, seq, time and text",
    shows: "Otherwise the two users see different conversations.",
    async run({ alice, bob, device }) {
      const [from, to] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const id = randomUUID();
      const text = "Grüße 👋🏽 \u2028 مرحبا\n\ttab";
      const { conversation, seq, time, duplicate } = await from.accepted({ to: bob.name }, text, id);
      ensureSame(duplicate, { expected: false, what: "duplicate of a first send" });
      const message = await to.change("message", (change) => change.id === id);
      ensureSame(message, {
        expected: { kind: "message", conversation, seq, id, from: alice.name, to: bob.name, text, time },
        what: "the change",
      });
    },
  },
  {
    ...{ id: "S-12", section },
    title: "a retry of the same id gets the first answer with duplicate, on any connection",
    shows: "Otherwise a lost answer doubles a message.",
    async run({ alice, bob, device }) {
      const first = await alice.connect({ device: device() });
      const id = randomUUID();
      const answer = await first.accepted({ to: bob.name }, "once", id);
      const other = await alice.connect({ device: device() });
      for (const socket of [first, other]) {
        const again = await socket.accepted({ to: bob.name }, "once", id);
        ensureSame(placeOf(again), { expected: placeOf(answer), what: "the answer to the retry" });
        ensureSame(again.duplicate, { expected: true, what: "duplicate of the retry" });
      }
      const target = { conversation: answer.conversation ?? "" };
      ensureSame(placeOf(await other.accepted(target, "once", id)), {
        ...{ expected: placeOf(answer), what: "the answer to a retry that names the conversation" },
      });
      const { body } = await alice.askFor(200, { path: "/messages", query: { with: bob.name, ids: id } });
      ensureSame(rowsOf(body, "messages").length, { expected: 1, what: "messages of this id" });
    },
  },
  {
    ...{ id: "S-13", section },
    title: "the same id with another text or recipient is a conflict, and the first message stays",
    shows: "Otherwise a mistake of a client overwrites a message, or loses one.",
    async run({ alice, bob, carol, device }) {
      const socket = await alice.connect({ device: device() });
      const id = randomUUID();
      await socket.accepted({ to: bob.name }, "the first", id);
      for (const [to, text] of [
        [bob.name, "another text"],
        [carol.name, "the first"],
      ] as const) {
        const { type, code, retry } = await socket.message({ to }, text, id);
        ensureSame([type, code, retry], { expected: ["rejected", "conflict", "never"], what: "the answer" });
      }
      const { body } = await alice.askFor(200, { path: "/messages", query: { with: bob.name, ids: id } });
      const [{ text } = { text: null }] = rowsOf<{ readonly text: unknown }>(body, "messages");
      ensureSame(text, { expected: "the first", what: "the text in history" });
    },
  },
  {
    ...{ id: "S-14", section: "1" },
    title: "another sender may use the same id",
    shows: "Otherwise a user can keep others from sending.",
    async run({ alice, bob, device }) {
      const id = randomUUID();
      const [one, two] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const first = await one.accepted({ to: bob.name }, "from alice", id);
      const second = await two.accepted({ to: alice.name }, "from bob", id);
      ensureSame([second.duplicate, Number(second.seq) > Number(first.seq)], {
        ...{ expected: [false, true], what: "duplicate, and whether it has a later seq" },
      });
    },
  },
  {
    ...{ id: "S-15", section: "1" },
    title: "upper and lower case of an id are the same: answered as sent, stored in lower case",
    shows: "Otherwise a client whose runtime writes upper case doubles its messages.",
    async run({ alice, bob, device }) {
      const [from, to] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const id = randomUUID().toUpperCase();
      await from.accepted({ to: bob.name }, "in upper case", id);
      await to.change("message", (change) => change.id === id.toLowerCase());
      const again = await from.accepted({ to: bob.name }, "in upper case", id.toLowerCase());
      ensureSame(again.duplicate, { expected: true, what: "duplicate of the retry in lower case" });
    },
  },
  {
    ...{ id: "S-16", section },
    title: "answers leave in the order of the frames, and seqs of one conversation are dense",
    shows: "Otherwise messages change their order.",
    async run({ alice, bob, device }) {
      const [from, to] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const ids = Array.from({ length: 40 }, (): string => randomUUID());
      ids.forEach((id, at) => {
        from.send({ type: "send", id, to: bob.name, text: `number ${at}` });
        if (at % 10 === 9) from.send({ type: "ping", id: `after ${at}` });
      });
      await from.next("pong", ({ id }) => id === "after 39");
      const answers = from.frames().filter(({ type }) => type === "accepted" || type === "pong");
      const expected = ids.flatMap((id, at) => (at % 10 === 9 ? [id, `after ${at}`] : [id]));
      ensureSame(
        answers.map(({ id }) => id),
        { expected, what: "the answers" },
      );
      const seqs = answers.flatMap(({ seq }) => seq ?? []);
      ensure(
        seqs.every((seq, at) => at === 0 || seq === Number(seqs[at - 1]) + 1),
        `the seqs are ${seqs.join()}`,
      );
      await to.change("message", ({ text }) => text === "number 39");
      const texts = to.changes("message").flatMap(({ id, text }) => (ids.includes(id ?? "") ? [text] : []));
      ensureSame(texts, { expected: ids.map((_, at) => `number ${at}`), what: "the messages of the recipient" });
    },
  },
  {
    ...{ id: "S-17", section },
    title: "the sender's other devices get the message, and the sender's own cursor moves on within a second",
    shows: "Otherwise the devices of one user differ, or a sender replays all that it sent.",
    async run({ alice, bob, device }) {
      const [one, two] = [await alice.connect({ device: device() }), await alice.connect({ device: device() })];
      const before = one.cursor();
      const id = randomUUID();
      await one.accepted({ to: bob.name }, "from my phone", id);
      await two.change("message", (change) => change.id === id && change.from === alice.name);
      const moved = await one.next("changes", ({ cursor }) => cursor !== before);
      const accepted = one.frames().findIndex((frame) => frame.type === "accepted");
      ensure(one.frames().indexOf(moved) > accepted, "a cursor that covers the message came before accepted");
    },
  },
  {
    ...{ id: "S-18", section: "1" },
    title: "a text of 16,384 bytes arrives unchanged, and a longer one is too_large",
    shows: "Otherwise long texts are cut, or refused on one way only.",
    async run({ alice, bob, device }) {
      const [from, to] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const { textBytes = 0 } = from.welcome.limits ?? {};
      const text = "é".repeat(textBytes / 2 - 1) + "ab";
      const { seq, conversation } = await from.accepted({ to: bob.name }, text);
      const found = await to.change("message", (one) => one.seq === seq && one.conversation === conversation);
      ensure(found.text === text, "the longest text came changed");
      const { type, code } = await from.message({ to: bob.name }, `${text}é`);
      ensureSame([type, code], { expected: ["rejected", "too_large"], what: "the answer to a longer text" });
      await from.settle();
    },
  },
  {
    ...{ id: "S-19", section: "4" },
    title: "a well-formed send that cannot be a message is rejected for good, and counts for nothing",
    shows: "Otherwise a client tries it for ever, or loses its connection.",
    async run({ alice, bob, device }) {
      const socket = await alice.connect({ device: device() });
      const wrong: readonly (readonly [string, string, string])[] = [
        [bob.name, "", "bad_frame"],
        [bob.name, "a\u0000b", "bad_frame"],
        [bob.name, "\ud800", "bad_frame"],
        ["not an id", "hi", "invalid_recipient"],
      ];
      for (let round = 0; round < 3; round++)
        for (const [to, text, expected] of wrong) {
          const { type, code, retry } = await socket.message({ to }, text);
          ensureSame([type, code, retry], { expected: ["rejected", expected, "never"], what: `to ${to}, ${text}` });
        }
      await socket.accepted({ to: bob.name }, "still open");
    },
  },
  {
    ...{ id: "S-20", section: "4" },
    title: "a conversation of others and one that does not exist get the same answer",
    shows: "Otherwise a user learns who talks to whom.",
    async run({ alice, bob, carol, device }) {
      const { conversation = "" } = await (
        await alice.connect({ device: device() })
      ).accepted({ to: bob.name }, "private");
      const stranger = await carol.connect({ device: device() });
      const answersFor = async (id: string): Promise<readonly unknown[]> => {
        const sent = await stranger.message({ conversation: id }, "let me in");
        stranger.send({ type: "read", conversation: id, seq: 1 });
        const read = await stranger.next("error");
        const { status, body } = await carol.ask("GET", "/messages", { query: { conversation: id } });
        const one = await carol.ask("GET", `/conversations/${id}`);
        return [sent.type, sent.code, sent.message, read.code, read.message, status, body?.["code"], one.status];
      };
      const foreign = await answersFor(conversation);
      ensureSame(foreign, { expected: await answersFor("no-such-conversation"), what: "the answers" });
      ensureSame([foreign[1], foreign[3], foreign[5]], {
        expected: ["not_found", "not_found", 404],
        what: "the codes",
      });
    },
  },
];
