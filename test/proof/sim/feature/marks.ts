import type { ReceiptChange } from "../../../../src/protocol/frame.ts";
import { blocksIn } from "../blocks.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import { restoreStored, storedUpTo } from "../stored.ts";
import type { World } from "../world.ts";

type Marks = { readonly delivered: number; readonly read: number };

/** What each device knows of the marks of each member of each conversation. */
const known = new WeakMap<SimDevice, Map<string, Marks>>();

const marksOf = (device: SimDevice): Map<string, Marks> => known.get(device) ?? new Map<string, Marks>();

function model(device: SimDevice, world: World): Model {
  const marks = new Map<string, Marks>();
  known.set(device, marks);
  let onThisConnection = new Map<string, Marks>();

  function take({ conversation, user, delivered, read }: ReceiptChange): void {
    const key = `${conversation} ${user}`;
    const before = onThisConnection.get(key) ?? { delivered: 0, read: 0 };
    const said = `${device.reader}: ${user} in ${conversation} at delivered ${delivered}, read ${read}`;
    if (read > delivered) world.problem("O9", `${said}: read is beyond delivered`);
    onThisConnection.set(key, { delivered, read });
    marks.set(key, { delivered, read });
    // What is told of the history of before, or of nobody knows which one.
    if (!world.histories.isOnlyOfNow(device.history()) || world.histories.isUnclear()) return;
    if (delivered < before.delivered || read < before.read)
      world.problem("O9", `${said}: it was at ${before.delivered}, ${before.read} before`);
    if (delivered > storedUpTo(world, `${device.tenant}/${user}`, conversation))
      world.problem("O8", `${said}: no device of theirs has stored that`);
  }

  return {
    connected: () => void (onThisConnection = new Map()),
    reset(truth) {
      marks.clear();
      const conversations = new Set(truth.historyOf(device.owner).map(({ conversation }) => conversation));
      for (const [key, { delivered, read }] of truth.marks) {
        const [conversation = "", owner = ""] = key.split(" ");
        if (conversations.has(conversation))
          marks.set(`${conversation} ${owner.slice(owner.indexOf("/") + 1)}`, { delivered, read });
      }
    },
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
  restored: restoreStored,
  missing: (world) => [...undelivered(world), ...unknown(world)],
  invariants: [
    { rule: "B3", check: unknown },
    { rule: "O8", check: undelivered },
  ],
};

/** Every device knows the marks of its user's conversations as they are, but for those of people behind a block. */
function unknown(world: World): readonly string[] {
  return world.devices.flatMap((device) => {
    if (device.isGone()) return [];
    const conversations = new Set(world.truth(device.owner).map(({ conversation }) => conversation));
    return [...world.marks()].flatMap(([key, { delivered, read }]) => {
      const [conversation = "", owner = ""] = key.split(" ");
      if (!conversations.has(conversation)) return [];
      if (owner !== device.owner && blocksIn(world).isBetween(owner, device.owner)) return [];
      const user = owner.slice(owner.indexOf("/") + 1);
      const had = marksOf(device).get(`${conversation} ${user}`) ?? { delivered: 0, read: 0 };
      if (had.delivered === delivered && had.read === read) return [];
      return [`${device.reader} knows ${user} at ${JSON.stringify(had)} in ${conversation}, not ${delivered}, ${read}`];
    });
  });
}

/** Everybody who is here acks what comes: in the end delivered is the last message of others. */
function undelivered(world: World): readonly string[] {
  return world.devices.flatMap((device) => {
    if (device.isGone()) return [];
    const lasts = new Map<string, number>();
    for (const { conversation, seq, from } of world.truth(device.owner))
      lasts.set(conversation, from === device.owner ? (lasts.get(conversation) ?? 0) : seq);
    return [...lasts].flatMap(([conversation, last]) => {
      const delivered = marksOf(device).get(`${conversation} ${device.user}`)?.delivered ?? 0;
      return delivered === last ? [] : [`${device.reader} acked ${last} in ${conversation}, delivered is ${delivered}`];
    });
  });
}
