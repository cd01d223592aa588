import type { MessageChange } from "../../../../src/protocol/frame.ts";
import type { Sighting } from "../../checker/checker.ts";
import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature } from "../feature.ts";
import { ask } from "../ask.ts";
import { blocksIn } from "../blocks.ts";
import { type Polled, polledIn, restorePolled, storePolled } from "../polled.ts";
import { noteStored } from "../stored.ts";
import type { World } from "../world.ts";

/** The content of one answer, judged once the truth is known. */
type Shown = {
  readonly owner: string;
  readonly path: string;
  readonly messages: readonly MessageChange[];
  /** The generation of the history. */
  readonly generation: number;
};

const answers = new WeakMap<World, Shown[]>();

type Page = {
  readonly messages: readonly MessageChange[];
  readonly more: { readonly before: boolean; readonly after: boolean };
  readonly cursor?: string;
};

/** The id of the device that polls; it has no socket. */
const poller = "poller";

function show(world: World, { owner }: SimDevice, path: string, messages: readonly MessageChange[]): void {
  const shown = answers.get(world) ?? [];
  answers.set(world, shown);
  shown.push({ owner, path, messages, generation: world.histories.generation() });
}

/** The last seq that any device of a user knows in its conversation with another user. */
function knownUpTo({ devices, recipientOf }: World, { owner, user }: SimDevice, other: string): number {
  let last = 0;
  for (const device of devices) {
    if (device.owner !== owner) continue;
    for (const row of device.rows().values()) {
      const isTheirs = row.from === owner ? recipientOf(row) === other : row.from.endsWith(`/${other}`);
      if (isTheirs && other !== user) last = Math.max(last, row.seq);
    }
  }
  return last;
}

/** A page of a conversation. The newest page has the messages that were known before, and no page has a hole. */
async function look(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  const other = chance.pick(world.othersOf(device));
  const limit = chance.pick([1, 3, 200]);
  const known = knownUpTo(world, device, other);
  const seq = chance.between(1, known + 2);
  const way = chance.pick(["", "", `&before=${seq}`, `&after=${seq}`, `&around=${seq}`]);
  const path = `/messages?with=${other}&limit=${limit}${way}`;
  const answer = await ask(world, chance, device, path);
  if (!answer) return;
  if (answer.status === 404) return;
  const { messages, more } = answer.body as Page;
  show(world, device, path, messages);
  const seqs = messages.map((message) => message.seq);
  const text = `${device.owner} asked ${path} and got ${seqs.join()} ${JSON.stringify(more)}`;
  if (seqs.some((one, i) => i > 0 && one !== (seqs[i - 1] ?? 0) + 1)) world.problem("Q3", `${text}: there is a hole`);
  if (seqs.length > 0 && !more.before !== (seqs[0] === 1)) world.problem("Q4", `${text}: more before it`);
  // The known message may be of an earlier history.
  if (way === "" && world.histories.generation() === 0 && (seqs.at(-1) ?? 0) < known)
    world.problem("Q3", `${text}: ${known} was known before`);
  if (way === "" && more.after) world.problem("Q4", `${text}: more after the newest`);
}

/** Messages by filters, over all conversations. */
async function search(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  const rows = [...device.rows().values()];
  const filter = chance.pick([
    `from=${chance.pick(world.othersOf(device))}`,
    `from=${device.user}`,
    `ids=${rows.length > 0 ? chance.pick(rows).id : world.newId()}`,
    `undelivered=true&from=${chance.pick(world.othersOf(device))}&device=${poller}`,
  ]);
  const path = `/messages?${filter}&limit=${chance.pick([1, 3, 200])}`;
  const answer = await ask(world, chance, device, path);
  if (answer) show(world, device, path, (answer.body as Page).messages);
}

/** As a client without a socket: asks for new messages, stores them, acks them. */
async function poll(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  const answer = await ask(world, chance, device, `/messages?device=${poller}&limit=${chance.pick([1, 2, 50])}`);
  if (!answer) return;
  const { messages, cursor } = answer.body as Page;
  const polled = polledIn(world, device.owner);
  for (const { conversation, seq, id, from, text } of messages) {
    const row = { conversation, seq, id, text, from: `${device.tenant}/${from}` };
    storePolled(polled, row);
    noteStored(world, device.owner, row);
  }
  show(world, device, "/messages", messages);
  // It stores the messages before it acks: a restore may come in between.
  if (world.isRestorable && chance.hits(0.5)) await world.timeline.sleep(chance.between(0, 1_500));
  if (chance.hits(0.8)) await ask(world, chance, device, "/ack", { body: { device: poller, cursor } });
}

async function send(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices.filter(({ isTalker }) => isTalker));
  const to = chance.pick(world.othersOf(device));
  const [id, text, { owner }] = [world.newId(), world.newText(chance), device];
  const begun = world.timeline.now();
  world.log({ type: "attempt", lane: id, from: owner, id, text });
  for (let tries = 0; tries < 2; tries++) {
    const answer = await ask(world, chance, device, "/messages", { body: { id, to, text } });
    if (!answer) continue;
    const [them, now] = [`${device.tenant}/${to}`, world.timeline.now()];
    if (answer.status === 403) {
      if (!blocksIn(world).mayBeInForce(them, owner, begun, now))
        world.problem("B2", `${id} was rejected as blocked, without a block of ${owner}`);
      return;
    }
    if (blocksIn(world).isInForce(them, owner, begun, now)) world.problem("B2", `${id} was accepted despite a block`);
    const { conversation, seq, duplicate } = answer.body as { conversation: string; seq: number; duplicate: boolean };
    if (duplicate !== (answer.status === 200)) world.problem("Q1", `${id} was answered ${answer.status}`);
    world.log({ type: "accepted", from: owner, id, conversation, seq });
  }
}

async function read(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  const rows = [...device.rows().values()].filter(({ from }) => from !== device.owner);
  if (rows.length === 0) return;
  const { conversation, seq, id } = chance.pick(rows);
  // Where there is more than one history, it names the message that it has seen.
  const body = world.isRestorable ? { seq, id } : { seq };
  await ask(world, chance, device, `/conversations/${conversation}/read`, { body });
}

/** The polled messages are a run of the others' messages, without a hole. */
function holesOf(truth: readonly Sighting[], owner: string, polled: Polled): readonly string[] {
  const others = truth.filter(({ from }) => from !== owner).map(({ conversation, seq }) => `${conversation} ${seq}`);
  const has = others.map((place) => polled.has(place));
  const stretch = has.slice(has.indexOf(true), has.lastIndexOf(true) + 1);
  const holes = stretch.filter((isThere) => !isThere).length;
  return holes === 0 ? [] : [`${owner} polled ${polled.size} messages, and ${holes} between them never came`];
}

/** The HTTP API: looking, searching, polling, sending and reading without a socket. */
export const history: Feature = {
  name: "history",
  operations: {
    look: { weight: 4, act: (world, chance) => void look(world, chance) },
    search: { weight: 2, act: (world, chance) => void search(world, chance) },
    poll: { weight: 3, act: (world, chance) => void poll(world, chance) },
    "send over HTTP": { weight: 2, act: (world, chance) => void send(world, chance) },
    "read over HTTP": { weight: 1, act: (world, chance) => void read(world, chance) },
  },
  restored(world, truth) {
    for (const owner of new Set(world.devices.map((device) => device.owner))) {
      // A device that the backup does not know is a new one, which begins where its user's other devices are (docs/database.md).
      const history = truth.hasDevice(owner, poller) ? truth.historyOf(owner) : [];
      restorePolled(polledIn(world, owner), history);
    }
  },
  invariants: [
    {
      rule: "Q3",
      check: (world) =>
        (answers.get(world) ?? []).flatMap(({ owner, path, messages, generation }) => {
          const history = world.truths()[generation]?.historyOf(owner) ?? [];
          const truth = new Map(history.map((row) => [`${row.conversation} ${row.seq}`, row]));
          return messages
            .filter(({ conversation, seq, id, text, from }) => {
              const row = truth.get(`${conversation} ${seq}`);
              return row?.id !== id || row.text !== text || !row.from.endsWith(`/${from}`);
            })
            .map(
              ({ conversation, seq }) =>
                `${owner} asked ${path} and got ${conversation} ${seq}, which differs from the log`,
            );
        }),
    },
    {
      rule: "Q2",
      check: (world) =>
        // An ack of a position in an unclear history may skip messages.
        [...new Set(world.histories.isUnclear() ? [] : world.devices.map(({ owner }) => owner))].flatMap((owner) =>
          holesOf(world.truth(owner), owner, polledIn(world, owner)),
        ),
    },
  ],
};
