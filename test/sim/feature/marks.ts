import type { ReceiptChange } from "../../../src/protocol/frame.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import { polledIn } from "../polled.ts";
import type { World } from "../world.ts";

type Marks = { readonly delivered: number; readonly read: number };

/** What each device knows of the marks of each member of each conversation. */
const known = new WeakMap<SimDevice, Map<string, Marks>>();

const marksOf = (device: SimDevice): Map<string, Marks> => known.get(device) ?? new Map<string, Marks>();

/** The last place of a message of others that any device of the user has stored. */
function storedUpTo(world: World, owner: string, conversation: string): number {
  let last = 0;
  const own = world.devices.filter((device) => device.owner === owner);
  for (const rows of [...own.map((device) => device.rows()), polledIn(world, owner)])
    for (const row of rows.values())
      if (row.conversation === conversation && row.from !== owner) last = Math.max(last, row.seq);
  return last;
}

function model(device: SimDevice, world: World): Model {
  const marks = new Map<string, Marks>();
  known.set(device, marks);
  let onThisConnection = new Map<string, Marks>();

  function take({ conversation, user, delivered, read }: ReceiptChange): void {
    const key = `${conversation} ${user}`;
    const before = onThisConnection.get(key) ?? { delivered: 0, read: 0 };
    const said = `${device.reader}: ${user} in ${conversation} at delivered ${delivered}, read ${read}`;
    if (read > delivered) world.problem("O9", `${said}: read is beyond delivered`);
    if (delivered < before.delivered || read < before.read)
      world.problem("O9", `${said}: it was at ${before.delivered}, ${before.read} before`);
    if (delivered > storedUpTo(world, `${device.tenant}/${user}`, conversation))
      world.problem("O8", `${said}: no device of theirs has stored that`);
    onThisConnection.set(key, { delivered, read });
    marks.set(key, { delivered, read });
  }

  return {
    connected: () => void (onThisConnection = new Map()),
    frame(frame) {
      if (frame.type !== "changes") return;
      for (const change of frame.changes) if (change.kind === "receipt") take(change);
      // In the end everything of others is acked: an ack of marks alone would only make more of them.
      const isNews = frame.changes.some((change) => change.kind === "message");
      if ((world.isResting() && isNews) || device.chance.hits(isNews ? 0.3 : 0.03)) device.ack();
    },
  };
}

/** Acks and reads, and what others learn of them. */
export const marks: Feature = {
  name: "marks",
  operations: {
    ack: { weight: 2, act: ({ devices }, chance) => chance.pick(devices).ack() },
    read: {
      weight: 6,
      act({ devices }, chance) {
        const device = chance.pick(devices);
        // One reads what one has: below a message of one's own there may be one that has not come yet.
        const rows = [...device.rows().values()].filter(({ from }) => from !== device.owner);
        if (rows.length === 0) return;
        const { conversation, seq } = chance.pick(rows);
        device.say({ type: "read", conversation, seq });
      },
    },
  },
  model,
  missing: (world) => [...undelivered(world), ...disagreements(world)],
  invariants: [
    { rule: "O9", check: disagreements },
    { rule: "O8", check: undelivered },
  ],
};

/** Two devices of one user must have been told the same. */
function disagreements({ devices }: World): readonly string[] {
  const text = (one: SimDevice): string => JSON.stringify([...marksOf(one)].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return devices.flatMap((device) => {
    const twin = devices.find((other) => other.owner === device.owner && other !== device && !other.isGone());
    if (!twin || device.isGone()) return [];
    return text(device) === text(twin) ? [] : [`${device.reader} knows other marks than ${twin.reader}`];
  });
}

/** Everybody who is here acks what comes: in the end delivered is the last message of others. */
function undelivered(world: World): readonly string[] {
  return world.devices.flatMap((device) => {
    if (device.isGone()) return [];
    const conversations = new Set(world.truth(device.owner).map(({ conversation }) => conversation));
    return [...conversations].flatMap((conversation) => {
      const last = storedUpTo(world, device.owner, conversation);
      const delivered = marksOf(device).get(`${conversation} ${device.user}`)?.delivered ?? 0;
      return delivered === last ? [] : [`${device.reader} acked ${last} in ${conversation}, delivered is ${delivered}`];
    });
  });
}
