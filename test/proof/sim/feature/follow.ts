import type { ServerFrame } from "../../../../src/protocol/frame.ts";
import { ask } from "../ask.ts";
import type { Chance } from "../chance.ts";
import { readCursor } from "../cursor-reader.ts";
import type { SimDevice } from "../device.ts";
import type { Feature } from "../feature.ts";
import type { Plan } from "../plan.ts";
import { noteStored } from "../stored.ts";
import type { World } from "../world.ts";

/** A client without a socket that follows the log by `GET /changes`. `rows`: ids by `conversation seq`; `last`: the newest seq of each conversation. */
type Follower = {
  readonly of: SimDevice;
  cursor: string | undefined;
  rows: Map<string, string>;
  last: Map<string, number>;
};

/** The id of its device. */
const name = "follower";

/** The devices of a world's followers. They exist from its beginning, because a new device receives only later messages. */
export const followersOf = ({
  seed,
  users,
}: Pick<Plan, "seed" | "users">): readonly { readonly user: string; readonly device: string }[] =>
  seed % 8 === 2 ? users.map((user) => ({ user, device: name })) : [];

const retryMs = 200;
/** Waiting requests do not delay the end of a world: they end sooner. */
const waitSeconds = [0, 0, 1, 3];

const followers = new WeakMap<World, Follower[]>();
const followersIn = (world: World): readonly Follower[] => followers.get(world) ?? [];

function store(follower: Follower, conversation: string, seq: number, id: string): void {
  follower.rows.set(`${conversation} ${seq}`, id);
  follower.last.set(conversation, Math.max(follower.last.get(conversation) ?? 0, seq));
}

/** As `docs/http.md` asks of clients: drops everything, and asks for the messages before the cursor. */
async function reset(world: World, follower: Follower, cursor: string): Promise<void> {
  const { histories } = world;
  if (histories.generation() === 0) world.problem("Q80", `${follower.of.owner}'s follower got a needless reset`);
  const floor = readCursor(cursor, histories.names())?.n ?? 0;
  const truth = await world.readTruth();
  [follower.rows, follower.last] = [new Map(), new Map()];
  for (const { conversation, seq, id, n } of truth.historyOf(follower.of.owner))
    if (n <= floor) store(follower, conversation, seq, id);
}

function take(world: World, follower: Follower, frame: Extract<ServerFrame, { type: "changes" }>): void {
  const { tenant, owner } = follower.of;
  for (const change of frame.changes) {
    if (change.kind !== "message") continue;
    const { conversation, seq, id, from } = change;
    const [before, last] = [follower.rows.get(`${conversation} ${seq}`), follower.last.get(conversation) ?? 0];
    const isNext = before === id || (before === undefined && seq === last + 1);
    if (!isNext && !world.histories.isUnclear())
      world.problem("Q80", `${owner}'s follower had ${last} of ${conversation}, and received ${seq} as ${id}`);
    store(follower, conversation, seq, id);
    noteStored(world, owner, { conversation, seq, id, from: `${tenant}/${from}` });
  }
}

async function run(world: World, chance: Chance, follower: Follower): Promise<void> {
  for (let asked = 0; !follower.of.isGone(); asked++) {
    const { cursor } = follower;
    const from = cursor === undefined ? "" : `&cursor=${cursor}`;
    const path = `/changes?device=${name}&wait=${chance.pick(waitSeconds)}${from}`;
    // A revocation ends its session (401); it comes back at once.
    const answer = await ask(world, chance.fork(`ask ${asked}`), follower.of, path, { endings: [401] });
    if (!answer) {
      await world.timeline.sleep(retryMs);
      continue;
    }
    const page = answer.body as { readonly cursor: string; readonly frames: readonly ServerFrame[] };
    for (const frame of page.frames) {
      if (frame.type === "reset") await reset(world, follower, frame.cursor);
      if (frame.type === "changes") take(world, follower, frame);
    }
    follower.cursor = page.cursor;
    // A client that crashes before it has stored the cursor asks again from the one before.
    if (cursor !== undefined && chance.hits(0.1)) follower.cursor = cursor;
  }
}

/** Messages that a follower lacks, or has in excess. */
function wrong(world: World): readonly string[] {
  if (world.histories.isUnclear()) return [];
  return followersIn(world).flatMap(({ of, rows }) => {
    if (of.isGone()) return [];
    const truth = world.truth(of.owner);
    const lacks = truth.filter(({ conversation, seq, id }) => rows.get(`${conversation} ${seq}`) !== id).length;
    const spare = rows.size - (truth.length - lacks);
    return lacks === 0 && spare === 0
      ? []
      : [`${of.owner}'s follower lacks ${lacks} of ${truth.length} messages, has ${spare} of its own`];
  });
}

/** Clients without a socket, in an eighth of the worlds: the seeds of the others do not change. */
export const follow: Feature = {
  name: "follow",
  operations: {},
  model(device, world) {
    if (device.name === "talker" && followersOf(world.plan).length > 0) {
      const follower: Follower = { of: device, cursor: undefined, rows: new Map(), last: new Map() };
      followers.set(world, [...followersIn(world), follower]);
      void run(world, device.chance.fork("follow"), follower);
    }
    return {};
  },
  missing: wrong,
  invariants: [{ rule: "Q80", check: wrong }],
};
