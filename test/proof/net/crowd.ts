import { randomUUID } from "node:crypto";
import type { Event } from "../checker/checker.ts";
import { readHistory } from "../checker/read-history.ts";
import type { Chance } from "../sim/chance.ts";
import { type Client, connect, type Frame, type MessageChange, type ReceiptChange } from "../../support/client.ts";
import { letIn } from "./let-in.ts";
import { deadline } from "../../support/deadline.ts";

export type CrowdOptions = {
  /** Pairs of neighbours in a ring write to each other, so each user has two conversations. */
  readonly users: number;
  /** The nodes that a device may use, all alike: they are one chat. */
  readonly urls: readonly string[];
  readonly chance: Chance;
  /** Takes each event when it happens: an attempt before its frame is sent, everything else once its frame was read. */
  readonly log: (event: Event) => void;
};

/** A device's unanswered sends, and the time between an answer and the next send. */
const windowSends = 4;
const pauseMs = { min: 0, max: 60 } as const;
/** How long a device stays at one node. */
const stayMs = { min: 200, max: 1_800 } as const;
const helloMsMax = 1_500;
/** A device leaves a node that has answered nothing for this long. */
const silentMsMax = 1_500;
const retryMs = { min: 20, max: 150 } as const;
const pollMs = 10;

type Sent = { readonly id: string; readonly to: string; readonly text: string };

/** One of the two devices of a user: each writes and reads, and stores each message together with its cursor. */
type Device = {
  readonly user: string;
  readonly name: string;
  readonly chance: Chance;
  /** Sent and not answered, in the order of the first tries. */
  waiting: Sent[];
  /** The ids of its messages. */
  readonly has: Set<string>;
  /** Its own messages by seq: answered, and not yet passed by a change. */
  readonly own: Map<string, Map<number, MessageChange>>;
  /** For each conversation, the other user, and their newest message that it has. */
  readonly others: Map<string, { readonly user: string; readonly seq: number }>;
  /** For each conversation, how far the other user has received and read it, by the newest receipt. */
  readonly receipts: Map<string, Marks>;
  cursor: string | null;
  beginning: string | null;
  client: Client | null;
  at: string;
  count: number;
  receivedAt: number;
};

type Marks = { readonly delivered: number; readonly read: number };
const noMarks: Marks = { delivered: 0, read: 0 };

/** After these a client does not come back by itself: it was refused, or it sent what it may not. */
const isFinal = (code: number): boolean => code === 4_400 || code === 4_401 || code >= 4_500;

const nameOf = ({ user, name }: Device): string => `${user}/${name}`;

/** Users with two devices each, which write, read, and move from node to node all the time. */
export function createCrowd({ users, urls, chance, log }: CrowdOptions) {
  const complaints: string[] = [];
  const facts = { accepted: 0, connects: 0, refused: 0, recoveryMs: 0, lastMs: 0, marksMs: 0 };
  /** By user and conversation, how far their devices have acked and read: no receipt may say more. */
  const claims = new Map<string, Marks>();
  let isSending = true;
  let isMoving = true;
  let isOver = false;
  const people = Array.from({ length: users }, (_, i) => `user${i}`);
  const peersOf = (user: string): readonly string[] => {
    const i = people.indexOf(user);
    return [people[(i + 1) % users] ?? "", people[(i + users - 1) % users] ?? ""];
  };
  const devices = people.flatMap((user) => ["phone", "laptop"].map((name) => createDevice(user, name, chance)));

  function post(device: Device, sent: Sent): void {
    const { client } = device;
    if (client?.isOpen() === true) client.post({ to: sent.to }, sent.text, sent.id);
  }

  function write(device: Device, to: string, text: string): string {
    const sent = { id: randomUUID(), to, text };
    device.waiting.push(sent);
    log({ type: "attempt", lane: nameOf(device), from: device.user, ...sent });
    post(device, sent);
    return sent.id;
  }

  /** A device that comes first after another one has acked starts there (P9); here each is to see everything. */
  const isEverybodyHere = (): boolean => devices.every(({ cursor }) => cursor !== null);

  async function keepWriting(device: Device): Promise<void> {
    while (!isOver) {
      if (isSending && isEverybodyHere() && device.client?.isOpen() === true && device.waiting.length < windowSends)
        write(device, device.chance.pick(peersOf(device.user)), `${nameOf(device)} ${device.count++}`);
      await Bun.sleep(device.chance.between(pauseMs.min, pauseMs.max));
    }
  }

  function claim(user: string, conversation: string, { delivered, read }: Marks): void {
    const before = claims.get(`${user} ${conversation}`) ?? noMarks;
    claims.set(`${user} ${conversation}`, {
      delivered: Math.max(before.delivered, delivered),
      read: Math.max(before.read, read),
    });
  }

  /** Its cursor is acked, by a frame or by connecting with it. */
  function claimCursor({ user, others }: Device): void {
    for (const [conversation, { seq }] of others) claim(user, conversation, { delivered: seq, read: 0 });
  }

  function checkReceipt(device: Device, { conversation, user, delivered, read }: ReceiptChange): void {
    const most = claims.get(`${user} ${conversation}`) ?? noMarks;
    if (delivered > most.delivered || read > most.read)
      complaints.push(
        `${nameOf(device)} got that ${user} has received ${delivered} and read ${read} of ${conversation}, but ${user} claimed ${JSON.stringify(most)}`,
      );
    if (user !== device.user) device.receipts.set(conversation, { delivered, read });
  }

  function see(device: Device, { conversation, seq, id, from, text }: MessageChange): void {
    log({ type: "seen", reader: nameOf(device), conversation, seq, id, from, text });
    if (from !== device.user && seq > (device.others.get(conversation)?.seq ?? 0))
      device.others.set(conversation, { user: from, seq });
    device.has.add(id);
    device.own.get(conversation)?.delete(seq);
  }

  /** The device has its own messages once they are accepted, at the seq in the answer. */
  function seeOwn(device: Device, conversation: string, upTo: number): void {
    const own = device.own.get(conversation) ?? new Map<number, MessageChange>();
    const due = [...own.values()].filter(({ seq }) => seq < upTo).toSorted((a, b) => a.seq - b.seq);
    for (const change of due) see(device, change);
  }

  function settle(device: Device, frame: Frame & { type: "accepted" | "rejected" }): void {
    if (frame.type === "rejected") {
      facts.refused++;
      // A node without its database answers "later", and closes.
      if (frame.code !== "unavailable") complaints.push(`a send was rejected: ${JSON.stringify(frame)}`);
      return;
    }
    const { id, conversation, seq, time } = frame;
    const at = device.waiting.findIndex((one) => one.id === id);
    const [sent] = at < 0 ? [] : device.waiting.splice(at, 1);
    if (sent === undefined) return;
    facts.accepted++;
    log({ type: "accepted", from: device.user, id, conversation, seq });
    // For a retry the change may have come first.
    if (device.has.has(id)) return;
    const own = device.own.get(conversation) ?? new Map<number, MessageChange>();
    device.own.set(conversation, own);
    own.set(seq, { kind: "message", ...{ conversation, seq, time }, from: device.user, ...sent });
  }

  function take(device: Device, frame: Frame): void {
    device.receivedAt = performance.now();
    if (frame.type === "accepted" || frame.type === "rejected") return settle(device, frame);
    if (frame.type === "reset") complaints.push(`${nameOf(device)} was reset`);
    if (frame.type !== "changes") return;
    for (const change of frame.changes) {
      if (change.kind === "receipt") checkReceipt(device, change);
      if (change.kind !== "message") continue;
      seeOwn(device, change.conversation, change.seq);
      see(device, change);
    }
    device.cursor = frame.cursor;
    const { client } = device;
    if (client?.isOpen() !== true || !isEverybodyHere()) return;
    if (device.chance.hits(0.1)) {
      claimCursor(device);
      client.ack(frame.cursor);
    }
    const last = frame.changes.at(-1);
    if (last?.kind === "message" && device.chance.hits(0.05)) read(device, client, last);
  }

  function read({ user }: Device, client: Client, { conversation, seq }: { conversation: string; seq: number }): void {
    claim(user, conversation, { delivered: seq, read: seq });
    client.read(conversation, seq);
  }

  async function enter(device: Device, url: string): Promise<void> {
    const { user, name } = device;
    // Connecting with a cursor acks it.
    const cursor = isEverybodyHere() ? device.cursor : null;
    if (cursor !== null) claimCursor(device);
    const client = await connect(url, {
      ...{ user, device: name, withinMs: helloMsMax },
      ...(cursor !== null && { cursor }),
    });
    facts.connects++;
    void client.closed.then(({ code, reason }) => {
      if (isFinal(code)) complaints.push(`${nameOf(device)} was closed with ${code} ${reason}`);
    });
    log({ type: "connect", reader: nameOf(device) });
    device.beginning ??= client.welcome.cursor;
    device.cursor ??= client.welcome.cursor;
    Object.assign(device, { client, at: url, receivedAt: performance.now() });
    for (const frame of client.frames) take(device, frame);
    client.tap((frame) => take(device, frame));
    client.forget();
    for (const sent of device.waiting) post(device, sent);
  }

  function leave(device: Device): void {
    const { client } = device;
    device.client = null;
    if (client === null) return;
    client.tap(() => {});
    client.terminate();
    try {
      client.check();
    } catch (error) {
      complaints.push(`${nameOf(device)}: ${String(error)}`);
    }
  }

  /** Until the node does not answer, breaks the connection, or the time at it is over. */
  async function stay(device: Device): Promise<void> {
    const until = performance.now() + device.chance.between(stayMs.min, stayMs.max);
    while (!isOver && device.client?.isOpen() === true) {
      const now = performance.now();
      if (isMoving && now >= until) return;
      if (device.waiting.length > 0 && now - device.receivedAt > silentMsMax) return;
      await Bun.sleep(pollMs);
    }
  }

  async function roam(device: Device): Promise<void> {
    while (!isOver) {
      const others = urls.filter((url) => url !== device.at);
      const url = device.chance.pick(others.length > 0 ? others : urls);
      try {
        await enter(device, url);
        await stay(device);
      } catch {
        device.at = url;
        await Bun.sleep(device.chance.between(retryMs.min, retryMs.max));
      }
      if (!isOver) leave(device);
    }
  }

  async function eventually(holds: () => boolean, msMax: number): Promise<number> {
    const start = performance.now();
    while (!holds() && performance.now() - start < msMax) await Bun.sleep(pollMs);
    return Math.round(performance.now() - start);
  }

  /** All devices ack and read everything; then each has receipts that say so of the other user of each conversation. */
  async function settleMarks(msMax: number): Promise<void> {
    for (const device of devices) {
      const { client, cursor, others } = device;
      if (client?.isOpen() !== true || cursor === null) continue;
      claimCursor(device);
      client.ackForeign(cursor);
      for (const [conversation, { seq }] of others) read(device, client, { conversation, seq });
    }
    const wrong = (): string[] =>
      devices.flatMap((device) =>
        [...device.others].flatMap(([conversation, { user }]) => {
          const seqs = devices.map((other) => (other.user === user ? (other.others.get(conversation)?.seq ?? 0) : 0));
          const [wanted, has] = [Math.max(...seqs), device.receipts.get(conversation) ?? noMarks];
          if (has.delivered === wanted && has.read === wanted) return [];
          return [
            `${nameOf(device)} has ${JSON.stringify(has)} of ${user} in ${conversation}, who has read up to ${wanted}`,
          ];
        }),
      );
    facts.marksMs = await eventually(() => wrong().length === 0, msMax);
    for (const text of wrong().slice(0, 10)) complaints.push(`${text}, after ${msMax} ms`);
  }

  async function logHistory(user: string): Promise<void> {
    const url = chance.pick(urls);
    const cursor = devices.find((device) => device.user === user)?.beginning ?? "";
    const fresh = await letIn(url, { user, device: "fresh", cursor });
    const history = await readHistory(fresh);
    fresh.check();
    log(history);
  }

  const tasks = devices.flatMap((device) => [roam(device), keepWriting(device)]);

  return {
    complaints,
    facts,

    /** Whether all are connected and have their answers, so that the start does not affect the next step. */
    async ready(): Promise<void> {
      const ms = await eventually(() => facts.accepted > devices.length, deadline.bulkMs);
      if (facts.accepted <= devices.length) complaints.push(`hardly any device was answered within ${ms} ms`);
    },

    /**
     * After all faults. No device moves any more; within `recoveryMsMax` all are connected and answered, and then each accepted
     * message is on every device of both users within `liveMsMax` (O10).
     */
    async finish(options: {
      readonly recoveryMsMax: number;
      readonly liveMsMax: number;
      /** Default: the marks are not compared at the end. */
      readonly marksMsMax?: number;
    }): Promise<void> {
      const { recoveryMsMax, liveMsMax, marksMsMax } = options;
      isSending = false;
      isMoving = false;
      const isSettled = (): boolean =>
        devices.every(({ client, waiting }) => client?.isOpen() === true && waiting.length === 0);
      facts.recoveryMs = await eventually(isSettled, recoveryMsMax);
      for (const device of devices)
        if (device.client?.isOpen() !== true || device.waiting.length > 0)
          complaints.push(
            `${nameOf(device)} at ${device.at} has ${device.waiting.length} sends unanswered after ${recoveryMsMax} ms`,
          );
      const last = devices.flatMap((device) =>
        peersOf(device.user).map((to) => ({
          device,
          to,
          id: write(device, to, `${nameOf(device)} to ${to}: the last`),
        })),
      );
      const missing = (): string[] =>
        last.flatMap(({ device, to, id }) =>
          devices
            .filter((other) => (other.user === to || other.user === device.user) && !other.has.has(id))
            .filter((other) => other !== device || device.waiting.some((sent) => sent.id === id))
            .map(
              (other) => `the last message of ${nameOf(device)} to ${to} is not with ${nameOf(other)} at ${other.at}`,
            ),
        );
      facts.lastMs = await eventually(() => missing().length === 0, liveMsMax);
      for (const text of missing().slice(0, 10)) complaints.push(`${text} after ${liveMsMax} ms`);
      if (marksMsMax !== undefined) await settleMarks(marksMsMax);
      isOver = true;
      await Promise.all(tasks);
      for (const device of devices) {
        for (const conversation of device.own.keys()) seeOwn(device, conversation, Infinity);
        leave(device);
      }
      for (const user of people) await logHistory(user);
      for (const device of devices) log({ type: "drained", reader: nameOf(device), user: device.user });
    },

    /** Ends it as it is. */
    async end(): Promise<void> {
      isOver = true;
      await Promise.all(tasks);
      for (const device of devices) leave(device);
    },
  };
}

const createDevice = (user: string, name: string, chance: Chance): Device => ({
  ...{
    user,
    name,
    waiting: [],
    has: new Set(),
    own: new Map(),
    others: new Map(),
    receipts: new Map(),
    cursor: null,
    beginning: null,
    client: null,
  },
  ...{ at: "", count: 0, receivedAt: 0, chance: chance.fork(`${user}/${name}`) },
});
