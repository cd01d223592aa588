import type { ServerFrame } from "../../../src/protocol/frame.ts";
import type { Sighting } from "../checker/checker.ts";
import { blocksIn } from "./blocks.ts";
import { readCursor } from "./cursor-reader.ts";
import type { Chance } from "./chance.ts";
import type { Model } from "./feature.ts";
import { type Break, createLink, type Link } from "./link.ts";
import type { SimNode } from "./node.ts";
import { noteStored } from "./stored.ts";
import type { World } from "./world.ts";

export type DeviceOptions = {
  readonly world: World;
  readonly chance: Chance;
  readonly tenant: string;
  readonly user: string;
  readonly name: string;
  /** Whether it ever sends. A device that does not send sees a log without gaps; a sender's own messages may be left out. */
  readonly isTalker: boolean;
  /** The highest level of change that it understands. */
  readonly level: number;
};

type Waiting = {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  isSent: boolean;
  /** When it was first sent. */
  firstAt: number;
  /** The connection that sent it first: only there must its answer come before its change. */
  firstSentOn: Link | null;
  /** Whether that connection answered "try later": the store may have it all the same, and deliver it. */
  isRefused: boolean;
};

/** A client that receives nothing for this long, not even a ping, reconnects. */
const silenceMsMax = 5_000;

/** A model client: a durable outbox, rows upserted by (conversation, seq), the cursor stored with them. */
export function createDevice({ world, chance, tenant, user, name, isTalker, level }: DeviceOptions) {
  const { timeline, problem, log, histories } = world;
  /** Its name for the checker: users of two tenants may share a name. */
  const owner = `${tenant}/${user}`;
  const reader = `${owner}/${name}`;
  /** After each reset the checker takes it for another reader. */
  const readerNow = (): string => `${reader} after ${resets} resets`;
  /** Survives a crash of the client. */
  let cursor: string | undefined;
  const rows = new Map<string, Sighting>();
  const outbox: Waiting[] = [];
  /** Ids sent again on purpose, with the expected answer. */
  const probes = new Map<string, { readonly kind: "retry" | "conflict"; readonly row: Sighting }>();
  /** Ids that were refused for good, each with the generation of that history. */
  const refused = new Map<string, number>();
  let node: SimNode | null = null;
  let models: readonly Model[] = [];
  let link: Link | null = null;
  /** Whether the server has sent `welcome` on it. */
  let isWelcome = false;
  let window = 1;
  let receivedAt = 0;
  let isComing = false;
  let isGone = false;
  let bufferedMax = 0;
  let resets = 0;
  /** The name of a cursor's history. */
  const nameOf = (text: string | undefined): string | null =>
    (text === undefined ? null : readCursor(text, histories.names()))?.epoch ?? null;
  /** The name of the history on this connection. */
  let history: string | null = null;
  /** The history's generation when a message was last sent again. */
  let probedIn = 0;

  const device = {
    tenant,
    user,
    name,
    owner,
    reader,
    isTalker,
    level,
    chance,
    start(made: readonly Model[]): void {
      models = made;
      comeBack();
    },
    /** Puts a message into the outbox. It is sent as the window allows, and again until it is answered. */
    send(to: string, text: string): void {
      const waiting = {
        id: world.newId(),
        to,
        text,
        isSent: false,
        firstAt: Infinity,
        firstSentOn: null,
        isRefused: false,
      };
      outbox.push(waiting);
      log({ type: "attempt", lane: reader, from: owner, id: waiting.id, text });
      flush();
    },
    /** Sends an answered message again, unchanged or with another text. */
    probe(kind: "retry" | "conflict", row: Sighting, to: string): void {
      if (outbox.length > 0 || probes.has(row.id) || !link || !isWelcome) return;
      // If a restore removed the message, it is a new one with another text.
      if (world.isRestorable && (kind === "conflict" || nameOf(cursor) !== history)) return;
      if (world.isRestorable) log({ type: "refusable", from: owner, id: row.id });
      probedIn = histories.generation();
      probes.set(row.id, { kind, row });
      link.send({ type: "send", id: row.id, to, text: kind === "retry" ? row.text : `${row.text} or not` });
    },
    sendFrame: (frame: object): void => void (isWelcome && link?.send(frame)),
    ack: (): void => void (cursor !== undefined && device.sendFrame({ type: "ack", cursor })),
    cut: (who: Break): void => link?.cut(who),
    hold: (ms: number): void => link?.hold(ms),
    stall(ms: number): void {
      const stalled = link;
      stalled?.stall();
      void timeline.after(ms, () => stalled?.read());
    },
    /** The client crashes: its connection ends, its stored state stays. */
    crash(): void {
      drop(chance.hits(0.5));
      comeBack();
    },
    /** Ends a hold or stall, and acks its position once more. */
    release(): void {
      link?.release();
      device.ack();
    },
    /** The client dies and does not come back. */
    end(): void {
      isGone = true;
      drop(true);
    },
    isGone: (): boolean => isGone,
    /** Whether it has stored a cursor. */
    hasCursor: (): boolean => cursor !== undefined,
    /** Whether it is connected, as far as it knows, and bytes get through. */
    isConnected: (): boolean => isWelcome && (link?.isWhole() ?? false),
    waiting: (): number => outbox.length,
    /** The server's name for the history, on this connection. */
    history: (): string | null => history,
    /** The reader of its sightings since the last reset. */
    readerNow,
    /** The node that it is, or last was, connected to. */
    node: (): SimNode | null => node,
    /** Whether a send was refused for good in the current history. */
    wasRefused: (id: string): boolean => refused.get(id) === histories.generation(),
    rows: (): ReadonlyMap<string, Sighting> => rows,
    bufferedMax: (): number => Math.max(bufferedMax, link?.bufferedMax() ?? 0),
  };

  function connect(): void {
    isComing = false;
    const picked = world.pickNode(chance);
    if (link || isGone) return;
    if (!picked) return comeBack();
    node = picked;
    const made = createLink({
      timeline,
      chance: chance.fork(`link ${timeline.now()}`),
      process: picked.process,
      linkMs: () => world.faults().linkMs,
      kernelBytes: world.faults().kernelBytes,
      client: {
        receive: (text) => link === made && receive(JSON.parse(text) as ServerFrame),
        pinged: () => void (receivedAt = timeline.now()),
        closed() {
          bufferedMax = Math.max(bufferedMax, made.bufferedMax());
          if (link !== made) return;
          link = null;
          comeBack();
        },
      },
    });
    link = made;
    isWelcome = false;
    history = null;
    receivedAt = timeline.now();
    watch(made);
    const hello = { tenant, user, device: name, cursor, level };
    void timeline.after(0, () => {
      if (picked.process.isDead()) made.cut("client");
      else picked.process.run(() => void picked.connect(made, hello));
    });
    for (const waiting of outbox) waiting.isSent = false;
    probes.clear();
    log({ type: "connect", reader });
    for (const model of models) model.connected?.();
  }

  function watch(watched: Link): void {
    void timeline.after(silenceMsMax / 4, () => {
      if (link !== watched) return;
      if (timeline.now() - receivedAt <= silenceMsMax) return watch(watched);
      drop(true);
      comeBack();
    });
  }

  function drop(isNoticed: boolean): void {
    const old = link;
    link = null;
    if (old) bufferedMax = Math.max(bufferedMax, old.bufferedMax());
    old?.leave(isNoticed);
  }

  function comeBack(): void {
    if (isComing || link || isGone) return;
    isComing = true;
    void timeline.after(chance.between(10, 400), connect);
  }

  function flush(): void {
    let room = window - outbox.filter(({ isSent }) => isSent).length;
    for (const waiting of outbox) {
      if (!link || !isWelcome || room <= 0) return;
      if (waiting.isSent) continue;
      waiting.isSent = true;
      // A block may have refused it while the answer was lost: a later message may now come before it.
      const [them, now] = [`${tenant}/${waiting.to}`, timeline.now()];
      if (waiting.firstSentOn !== null && blocksIn(world).mayBeInForce(them, owner, waiting.firstAt, now))
        log({ type: "refusable", from: owner, id: waiting.id });
      waiting.firstSentOn ??= link;
      waiting.firstAt = Math.min(waiting.firstAt, now);
      room--;
      link.send({ type: "send", id: waiting.id, to: waiting.to, text: waiting.text });
    }
  }

  function store(row: Sighting): void {
    rows.set(`${row.conversation} ${row.seq}`, row);
    if (histories.isOnlyOfNow(history)) noteStored(world, owner, row);
  }

  /** Drops its rows, keeps the outbox, and asks for the pages that it would show. */
  function reset(to: string): void {
    const isKnown = nameOf(cursor) === nameOf(to) && histories.of(nameOf(to) ?? "", Infinity).length === 1;
    if (histories.generation() === 0 || isKnown) problem("P13", `${reader} got a reset from ${cursor} to ${to}`);
    resets++;
    rows.clear();
    probes.clear();
    cursor = to;
    const floor = readCursor(to, histories.names())?.n ?? 0;
    world.record({ type: "floor", reader: readerNow(), owner, n: floor }, { name: history });
    const asked = resets;
    void world.readTruth().then((truth) => {
      if (resets !== asked) return;
      for (const { n, ...row } of truth.historyOf(owner)) if (n <= floor) store(row);
      for (const model of models) model.reset?.(truth);
    });
  }

  function receive(frame: ServerFrame): void {
    receivedAt = timeline.now();
    switch (frame.type) {
      case "welcome":
        window = frame.limits.sendWindow;
        isWelcome = true;
        history = nameOf(frame.cursor);
        world.record({ type: "connect", reader: readerNow() }, { name: history });
        // It has nothing yet, and may receive something before the first cursor comes.
        if (world.isRestorable) cursor ??= frame.cursor;
        // It acks its old position before it learns that this is no longer valid.
        if (nameOf(cursor) !== history) device.ack();
        flush();
        break;
      case "changes":
        for (const change of frame.changes) {
          if (change.kind !== "message") continue;
          const { conversation, seq, id, text } = change;
          const row = { conversation, seq, id, from: `${tenant}/${change.from}`, text };
          store(row);
          world.learn(conversation, [change.from, change.to ?? change.from]);
          const waiting = outbox.find((each) => each.id === id && each.isSent && !each.isRefused);
          if (waiting?.firstSentOn === link) problem("H3", `${reader}: the change of ${id} overtook its accepted`);
          if (change.to !== user && change.from !== user) problem("T3", `${reader} got a message of others`);
          if (!isTalker)
            log({ type: "seen", reader: world.isRestorable ? readerNow() : reader, ...row }, { name: history });
        }
        cursor = frame.cursor;
        break;
      case "accepted":
        accept(frame);
        break;
      case "rejected":
        reject(frame);
        break;
      case "error":
        // A restore removed the conversation.
        if (frame.code === "not_found" && histories.generation() > 0) break;
        problem("P33", `${reader} got an unexpected ${JSON.stringify(frame)}`);
        break;
      case "reset":
        reset(frame.cursor);
        break;
      default:
    }
    for (const model of models) model.frame?.(frame);
  }

  function accept({ id, conversation, seq, duplicate }: Extract<ServerFrame, { type: "accepted" }>): void {
    const probe = probes.get(id);
    if (probe) {
      probes.delete(id);
      const { row, kind } = probe;
      if (world.isRestorable) log({ type: "accepted", from: owner, id, conversation, seq }, { name: history });
      // It may have been in an earlier history, and not be in this one.
      if (world.isRestorable && (probedIn !== histories.generation() || histories.isUnclear())) return;
      if (kind === "conflict") problem("O1", `${reader}: other content under ${id} was accepted`);
      else if (row.conversation !== conversation || row.seq !== seq || !duplicate)
        problem(
          "O1",
          `${reader}: a retry of ${id} was answered ${conversation} ${seq}, not ${row.conversation} ${row.seq}`,
        );
      return;
    }
    const at = outbox.findIndex((waiting) => waiting.id === id);
    const [waiting] = at === -1 ? [] : outbox.splice(at, 1);
    if (!waiting) return;
    const [them, now] = [`${tenant}/${waiting.to}`, timeline.now()];
    if (blocksIn(world).isInForce(them, owner, waiting.firstAt, now))
      problem("B2", `${reader}: ${id} was accepted despite a block`);
    if (at !== 0) problem("O4", `${reader}: ${id} was answered before what was sent before it`);
    store({ conversation, seq, id, from: owner, text: waiting.text });
    world.learn(conversation, [user, waiting.to]);
    log({ type: "accepted", from: owner, id, conversation, seq }, { name: history });
    flush();
  }

  function reject({ id, code, retry }: Extract<ServerFrame, { type: "rejected" }>): void {
    const probe = probes.get(id);
    probes.delete(id);
    const waiting = outbox.find((each) => each.id === id);
    if (waiting) waiting.isRefused = true;
    if (waiting && code === "blocked") {
      outbox.splice(outbox.indexOf(waiting), 1);
      if (!blocksIn(world).mayBeInForce(`${tenant}/${waiting.to}`, owner, waiting.firstAt, timeline.now()))
        problem("B2", `${reader}: ${id} was rejected as blocked, without a block`);
      if (histories.isOnlyOfNow(history)) refused.set(id, histories.generation());
      flush();
      return;
    }
    if (retry === "later" || (probe?.kind === "conflict" && code === "conflict")) return;
    problem("O1", `${reader}: ${id} was rejected for good: ${code}`);
  }

  return device;
}

export type SimDevice = ReturnType<typeof createDevice>;
