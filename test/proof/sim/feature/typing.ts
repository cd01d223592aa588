import type { Feature } from "../feature.ts";
import type { World } from "../world.ts";

/** One received typing frame; the users of a conversation are known for certain only at the end. */
type TypingNotice = {
  readonly reader: string;
  readonly owner: string;
  readonly typist: string;
  readonly conversation: string;
  readonly name: string;
  /** The generation of the history when it came: a node that does not know of it yet asks it for the conversation's users. */
  readonly generation: number;
};

const notices = new WeakMap<World, TypingNotice[]>();

/** Typing: never stored, may be lost, and reaches no other user. */
export const typing: Feature = {
  name: "typing",
  operations: {
    type: {
      weight: 2,
      act(world, chance) {
        const device = chance.pick(world.devices);
        device.sendFrame({ type: "typing", to: chance.pick(world.othersOf(device)), typing: chance.hits(0.7) });
      },
    },
  },
  model(device, world) {
    const received = notices.get(world) ?? [];
    notices.set(world, received);
    const answer = (to: string): void => device.sendFrame({ type: "typing", to, typing: true });
    return {
      // It goes on typing.
      reset() {
        for (const other of world.othersOf(device)) answer(other);
      },
      frame(frame) {
        if (frame.type === "changes" && world.isRestorable)
          for (const change of frame.changes)
            if (change.kind === "message" && change.from !== device.user && device.chance.hits(0.2))
              answer(change.from);
        if (frame.type !== "typing") return;
        const { conversation, user } = frame;
        received.push({
          ...{ reader: device.reader, owner: device.owner, typist: `${device.tenant}/${user}`, conversation },
          name: device.history() ?? "",
          generation: world.histories.generation(),
        });
      },
    };
  },
  invariants: [
    {
      rule: "T3",
      check: (world) =>
        (notices.get(world) ?? [])
          .filter(({ owner, typist, conversation, name, generation }) => {
            const truths = world.truths();
            const people = [...world.histories.of(name, Infinity), generation].flatMap(
              (i) => truths[i]?.peopleOf(conversation) ?? [],
            );
            return owner === typist || !people.includes(owner) || !people.includes(typist);
          })
          .map(({ reader, typist, conversation }) => `${reader} was notified that ${typist} types in ${conversation}`),
    },
  ],
};
