import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createApi } from "../../src/http/api.ts";
import { demo } from "../../src/access/demo.ts";
import { createProve } from "../../src/access/prove.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { newest } from "../../src/store/read/history.ts";
import { type Answers, ask, getConversations } from "../http/ask.ts";
import { type FakeSocket, turns, until } from "../support/fake-socket.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { accepted, newId, person } from "../support/store.ts";

/** The blocks between the actor and the other user. */
const relations = ["nobody", "the other has blocked the actor", "the actor has blocked the other", "both"] as const;
type Relation = (typeof relations)[number];
const isBlocked = (relation: Relation): boolean => relation !== "nobody";
const isActorBlocked = (relation: Relation): boolean =>
  relation === "the other has blocked the actor" || relation === "both";

type Scene = {
  readonly chat: TestHub;
  readonly api: Answers;
  /** Names that no other case has. */
  readonly actor: string;
  readonly other: string;
  readonly conversation: string;
  /** Connected, without the frames of before. */
  readonly actorSocket: FakeSocket;
  readonly otherSocket: FakeSocket;
};

/** A path: an action of the actor, and its result. */
type Path = {
  readonly act: (scene: Scene) => Promise<string>;
  readonly expected: (relation: Relation) => string;
};

const sends = (relation: Relation): string => (isActorBlocked(relation) ? "blocked" : "accepted");
const reaches = (relation: Relation): string => (isBlocked(relation) ? "hidden" : "shown");

const outcomeOf = async (socket: FakeSocket, frame: { id: string }): Promise<string> => {
  const answer = () =>
    socket.frames.find((one) => (one.type === "accepted" || one.type === "rejected") && one.id === frame.id);
  socket.say(frame);
  await until(() => answer() !== undefined);
  const found = answer();
  return found?.type === "rejected" ? found.code : (found?.type ?? "");
};
/** Waits until a message that the other can always get has come: every frame that was under way before has come too. */
async function settle({ chat, actor, other, otherSocket, actorSocket }: Scene): Promise<void> {
  for (const [to, socket] of [
    [other, otherSocket],
    [actor, actorSocket],
  ] as const) {
    const { conversation } = await accepted(chat.store, { from: "witness", to });
    await until(() =>
      socket.changes().some((change) => change.kind === "message" && change.conversation === conversation),
    );
  }
  await turns(5);
}
const receiptsOf = (socket: FakeSocket, user: string) =>
  socket.changes().filter((change) => change.kind === "receipt" && change.user === user);

const paths: Readonly<Record<string, Path>> = {
  "a send to the user": {
    act: ({ actorSocket, other }) =>
      outcomeOf(actorSocket, { type: "send", id: newId(), to: other, text: "x" } as { id: string }),
    expected: sends,
  },
  "a send to the conversation": {
    act: ({ actorSocket, conversation }) =>
      outcomeOf(actorSocket, { type: "send", id: newId(), conversation, text: "x" } as { id: string }),
    expected: sends,
  },
  "POST /messages": {
    async act({ api, actor, other }) {
      const { status, body } = await ask<{ code?: string }>(api, actor, "/messages", {
        body: { id: newId(), to: other, text: "x" },
      });
      return body.code === undefined ? "accepted" : `${status} ${body.code}`;
    },
    expected: (relation) => (isActorBlocked(relation) ? "403 blocked" : "accepted"),
  },
  typing: {
    async act(scene) {
      scene.actorSocket.say({ type: "typing", conversation: scene.conversation, typing: true });
      await settle(scene);
      return scene.otherSocket.of("typing").length > 0 ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "presence, in the snapshot": {
    async act({ otherSocket, actor }) {
      const before = otherSocket.of("presence").length;
      otherSocket.say({ type: "watch", users: [actor] });
      await until(() => otherSocket.of("presence").length > before);
      return otherSocket.of("presence").at(-1)?.state === "online" ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "presence, when it changes": {
    async act({ chat, otherSocket, actorSocket, actor, other }) {
      actorSocket.hangUp();
      await until(() => chat.hub.sizes().online === chat.hub.sizes().users);
      otherSocket.say({ type: "watch", users: [actor] });
      await until(() => otherSocket.of("presence").length > 0);
      const back = chat.connect(actor);
      await until(() => back.of("changes").length > 0);
      await accepted(chat.store, { from: "witness", to: other });
      await turns(10);
      return otherSocket.of("presence").at(-1)?.state === "online" ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "a receipt, live": {
    async act(scene) {
      scene.actorSocket.say({ type: "read", conversation: scene.conversation, seq: 2 });
      await until(() => receiptsOf(scene.actorSocket, scene.actor).length > 0);
      await settle(scene);
      return receiptsOf(scene.otherSocket, scene.actor).length > 0 ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "a receipt, in a replay": {
    async act(scene) {
      scene.actorSocket.say({ type: "read", conversation: scene.conversation, seq: 2 });
      await until(() => receiptsOf(scene.actorSocket, scene.actor).length > 0);
      const late = scene.chat.connect(scene.other, { device: "late" });
      await until(() => late.of("changes").some(({ more }) => !more));
      return receiptsOf(late, scene.actor).length > 0 ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "a receipt, by an ack": {
    async act(scene) {
      const { cursor } = scene.actorSocket.of("changes").at(-1) ?? {};
      scene.actorSocket.say({ type: "ack", cursor });
      await until(() => receiptsOf(scene.actorSocket, scene.actor).length > 0);
      await settle(scene);
      return receiptsOf(scene.otherSocket, scene.actor).length > 0 ? "shown" : "hidden";
    },
    expected: reaches,
  },
  "a receipt, in the list of conversations": {
    async act({ api, chat, conversation, actor, other, actorSocket }) {
      actorSocket.say({ type: "read", conversation, seq: 2 });
      await until(() => receiptsOf(actorSocket, actor).length > 0);
      const { body } = await getConversations(api, other);
      const [listed] = body.conversations;
      const [stored] = (await chat.store.conversations(person(other), { below: newest, limit: 1 })).conversations;
      expect(stored?.peer).toEqual(listed?.peer);
      return listed?.peer?.read === 2 ? "shown" : `${listed && "peer" in listed}`;
    },
    expected: (relation) => (isBlocked(relation) ? "false" : "shown"),
  },
  "history, of what was before": {
    async act({ api, actor, conversation }) {
      const { body } = await ask<{ messages: unknown[] }>(api, actor, `/messages?conversation=${conversation}`);
      return `${body.messages.length}`;
    },
    expected: () => "2",
  },
};

describe("a block", () => {
  let chat: TestHub;
  let api: Answers;
  let cases = 0;
  beforeAll(async () => {
    chat = await startHub();
    api = createApi({
      parts: async () => ({ ...chat, connect: chat.hub.connect }),
      prove: createProve({ authenticate: demo(), now: Date.now }),
      ...{
        isHostAllowed: () => true,
        origins: [],
        isDraining: () => false,
        limits: defaultLimits,
        clock: systemClock,
        random: systemRandom,
      },
    });
  });
  afterAll(() => chat.stop());

  async function scene(relation: Relation): Promise<Scene> {
    const [actor, other] = [`actor${cases}`, `other${cases++}`];
    const { conversation } = await accepted(chat.store, { from: actor, to: other });
    await accepted(chat.store, { from: other, to: actor });
    if (isActorBlocked(relation)) await chat.store.relate(person(other), [{ other: actor, blocked: true }]);
    if (relation === "the actor has blocked the other" || relation === "both")
      await chat.store.relate(person(actor), [{ other, blocked: true }]);
    const [actorSocket, otherSocket] = [chat.connect(actor), chat.connect(other)];
    await until(() => [actorSocket, otherSocket].every((socket) => socket.of("changes").some(({ more }) => !more)));
    return { chat, api, actor, other, conversation, actorSocket, otherSocket };
  }

  for (const [name, { act, expected }] of Object.entries(paths)) {
    for (const relation of relations) {
      test(`T3 B2 B3 ${name}, where ${relation === "nobody" ? "there is no block" : `${relation}${relation === "both" ? " have blocked each other" : ""}`}`, async () => {
        expect(await act(await scene(relation))).toBe(expected(relation));
      });
    }
  }
});
