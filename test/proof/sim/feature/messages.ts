import { judge } from "../../checker/checker.ts";
import { judgeHistories } from "../judge-histories.ts";
import { ChatError } from "../../../../src/error.ts";
import { blocksIn } from "../blocks.ts";
import type { Feature } from "../feature.ts";

const talkers = ({ devices }: Parameters<Feature["operations"][string]["act"]>[0]) =>
  devices.filter((device) => device.isTalker && !device.isGone());

/** Enough of these fill any buffer. */
const longTextBytes = 3_500;

/** Sends: one, many at once, again, and with other content; and their expected results. */
export const messages: Feature = {
  name: "messages",
  operations: {
    send: {
      weight: 20,
      act(world, chance) {
        const device = chance.pick(talkers(world));
        device.send(chance.pick(world.othersOf(device)), world.newText(chance));
      },
    },
    burst: {
      weight: 2,
      act(world, chance) {
        const device = chance.pick(talkers(world));
        const size = chance.hits(0.3) ? longTextBytes : undefined;
        for (let i = chance.between(3, 20); i > 0; i--)
          device.send(chance.pick(world.othersOf(device)), world.newText(chance, size));
      },
    },
    retry: { weight: 2, act: (world, chance) => probe("retry", world, chance) },
    conflict: { weight: 1, act: (world, chance) => probe("conflict", world, chance) },
    "send by the host": {
      weight: 2,
      act(world, chance) {
        const node = world.pickNode(chance);
        const device = chance.pick(talkers(world));
        const to = chance.pick(world.othersOf(device));
        if (!node?.chat.isReady()) return;
        const { tenant, user, owner } = device;
        const [id, text] = [world.newId(), world.newText(chance)];
        const begun = world.timeline.now();
        const since = world.histories.generation();
        // A host keeps no order between its calls: each is a lane by itself.
        world.log({ type: "attempt", lane: id, from: owner, id, text });
        node.chat.send({ tenant, from: user, to, text, id }).then(
          ({ conversation, seq }) => world.log({ type: "accepted", from: owner, id, conversation, seq }, { since }),
          (error: unknown) => {
            const now = world.timeline.now();
            const isBlocked = error instanceof ChatError && error.code === "blocked";
            if (isBlocked && blocksIn(world).mayBeInForce(`${tenant}/${to}`, owner, begun, now)) return;
            if (!(error instanceof ChatError && error.code === "unavailable"))
              world.problem("K2", `the host's send ${id} failed with ${String(error)}`);
          },
        );
      },
    },
  },
  invariants: [
    {
      rule: "D1",
      check: (world) =>
        world.isRestorable
          ? judgeHistories(world)
          : judge(world.events).map(({ class: kind, text }) => `${kind}: ${text}`),
    },
    {
      rule: "O10",
      check: ({ devices }) =>
        devices
          .filter((device) => !device.isGone() && device.waiting() > 0)
          .map((device) => `${device.reader}: ${device.waiting()} sends were never answered`),
    },
    {
      rule: "O3",
      check: ({ devices, truth }) =>
        devices.flatMap((device) => {
          if (device.isGone()) return [];
          const want = truth(device.owner);
          const missing = want.filter(
            ({ conversation, seq, id }) => device.rows().get(`${conversation} ${seq}`)?.id !== id,
          );
          const spare = device.rows().size - want.length;
          if (missing.length === 0 && spare === 0) return [];
          return [`${device.reader}: lacks ${missing.length} of ${want.length} messages, has ${spare} of its own`];
        }),
    },
  ],
};

function probe(
  kind: "retry" | "conflict",
  world: Parameters<Feature["operations"][string]["act"]>[0],
  chance: Parameters<Feature["operations"][string]["act"]>[1],
): void {
  const device = chance.pick(talkers(world));
  const own = [...device.rows().values()].filter(({ from }) => from === device.owner);
  if (own.length === 0) return;
  const row = chance.pick(own);
  const to = world.recipientOf(row);
  if (to !== null) device.probe(kind, row, to);
}
