import type { ReceiptChange } from "../../../../src/protocol/frame.ts";
import { blocksIn } from "../blocks.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import { restoreStored, storedUpTo } from "../stored.ts";
import type { World } from "../world.ts";

type Marks = { readonly delivered: number; readonly read: number };

/** The marks of each member of each conversation, as each device knows them. */
const known = new WeakMap<SimDevice, Map<string, Marks>>();

const marksOf = (device: SimDevice): Map<string, Marks> => known.get(device) ?? new Map<string, Marks>();

function model(device: SimDevice, world: World): Model {
  const marks = new Map<string, Marks>();
  known.set(device, marks);
  let onThisConnection = new Map<string, Marks>();

  function take({ conversation, user, delivered, read }: ReceiptChange): void {
    const key = `${conversation} ${user}`;
    const before = onThisConnection.get(key) ?? { delivered: 0, read: 0 };
    const text = `${device.reader}: ${user} in ${conversation} at delivered ${delivered}, read ${read}`;
    if (read > delivered) world.problem("O9", `${text}: read is beyond delivered`);
    onThisConnection.set(key, { delivered, read });
    marks.set(key, { delivered, read });
    // The receipt may be of an earlier history, or of an unclear one.
    if (!world.histories.isOnlyOfNow(device.history()) || world.histories.isUnclear()) return;
    if (delivered < before.delivered || read < before.read)
      world.problem("O9", `${text}: it was at ${before.delivered}, ${before.read} before`);
    if (delivered > storedUpTo(world, `${device.tenant}/${user}`, conversation))
      world.problem("O8", `${text}: no device of theirs has stored that`);
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
      // At the end all messages of others are acked: an ack for marks alone would only make more marks.
      const isNews = frame.changes.some((change) => change.kind === "message");
      if ((world.isResting() && isNews) || device.chance.hits(isNews ? 0.3 : 0.03)) device.ack();
    },
  };
}

/** Acks and reads, and the receipts that others get. */
export const marks: Feature = {
  name: "marks",
  operations: {
    ack: { weight: 2, act: ({ devices }, chance) => chance.pick(devices).ack() },
    read: {
      weight: 6,
      act({ devices }, chance) {
        const device = chance.pick(devices);
        // Only messages that have come are read: below an own message one may not have come yet.
        const rows = [...device.rows().values()].filter(({ from }) => from !== device.owner);
        if (rows.length === 0) return;
        const { conversation, seq } = chance.pick(rows);
        device.sendFrame({ type: "read", conversation, seq });
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

/** Every device knows the marks of its user's conversations, except those of users behind a block. */
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

/** Every connected device acks all messages: at the end, delivered is the last message of others. */
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
