import "../../support/quiet.ts";
import type { ServerWebSocket } from "bun";
import { bun } from "../../../src/adapter/bun.ts";
import { type Chat, createChat } from "../../../src/chat.ts";
import type { Admission } from "../../../src/access/admission.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { type Chance, randomOf } from "./chance.ts";
import type { FakeBus } from "./fake-bus.ts";
import type { Faults } from "./faults.ts";
import type { Equipment } from "./feature.ts";
import type { Histories } from "./histories.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import { createFakeDatabaseServer } from "./fake-database-server.ts";
import { createFaultyEngine } from "./faulty-engine.ts";
import type { Link } from "./link.ts";
import { pushAnswerMs } from "./phones.ts";
import { createProcess, type SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** Faults that a test plants into a node, to see that they are found. */
export type Plant = { readonly engine?: (engine: Engine) => Engine };

export type NodeOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly engine: Engine;
  readonly histories: Histories;
  /** The database is a server, reached over HTTP. */
  readonly isRemote: boolean;
  /** Looks often for devices that were not seen for long, a few at a time. */
  readonly isSwept?: boolean;
  readonly bus: FakeBus;
  /** The current faults; at the end there are none. */
  readonly faults: () => Faults;
  readonly plant: Plant;
  /** The features' additions to its process. */
  readonly equip: (process: SimProcess) => readonly Equipment[];
};

/** After this long without an answer a call of the database fails. */
const deadlineMs = 1_500;

/** The identity that a client claims. */
export type Hello = {
  readonly level: number;
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly cursor: string | undefined;
};

/** A socket at its server: when its upgrade was answered, and when it opened. */
export type Session = Pick<Hello, "tenant" | "user" | "device"> & {
  readonly link: Link;
  readonly admittedAt: number;
  readonly openedAt: number;
};

/** One server process: the whole chat behind the adapter for Bun, over the shared database and behind a layer of faults. */
export function createNode(options: NodeOptions) {
  const { timeline, chance, engine, histories, isRemote, isSwept = false, bus, faults, plant, equip } = options;
  const { skewMs, timerLateMs, limits } = faults();
  const watch = { skewMs: chance.between(-skewMs, skewMs), lateMs: timerLateMs };
  const process: SimProcess = createProcess(timeline, chance, watch);
  const links = new Set<Link>();
  const sessions = new Map<Link, Session>();
  let isCutOff = false;

  const equipment = equip(process);
  const watched = equipment.reduce((inner, { watch }) => watch?.(inner) ?? inner, histories.watchWrites(engine));
  const way = { timeline, chance, process, faults, isCutOff: () => isCutOff, deadlineMs };
  const faulty = createFaultyEngine({ engine: watched, ...way });
  const fetch = createFakeDatabaseServer(faulty, chance);
  /** A new engine for each try: one that failed has been closed. */
  const openReached = () =>
    isRemote
      ? createRemoteEngine({
          ...{ url: "http://database.invalid", deadlineMs, clock: process.clock, random: randomOf(chance), fetch },
        })
      : faulty;
  const chat: Chat = createChat({
    database: {
      url: "sim:",
      open() {
        const reached = openReached();
        return histories.watchReads(plant.engine?.(reached) ?? reached, process);
      },
    },
    authenticate: ({ headers }) => ({ tenant: headers.get("x-tenant") ?? "", user: headers.get("x-user") ?? "" }),
    clock: process.clock,
    random: randomOf(chance),
    bus: bus.attach(process, () => isCutOff),
    push: equipment.flatMap(({ push = [] }) => push),
    limits: {
      // At the end of a world everyone has left, and is soon offline.
      presenceGraceMs: 500,
      ...limits,
      textBytesMax: 4_000,
      headPollMs: 500,
      storeProbeMs: 500,
      slowConsumerMs: 6_000,
      heartbeatMs: 2_000,
      shutdownMs: 3_000,
      pushAnswerMs,
      pushIdleAfterMs: 1_000,
      pushRetryMs: 100,
      pushRetryMsMax: 1_000,
      ...(isSwept && { deviceSweepMs: 1_000, deviceSweepRowsMax: 2 }),
    },
  });
  const { websocket } = bun(chat);

  return {
    chat,
    process,
    /** Its sockets. */
    sessions: (): readonly Session[] => [...sessions.values()],
    /** Upgrades a link, as Bun does. A refusal looks to the client like a broken connection. */
    async connect(link: Link, { tenant, user, device, cursor, level }: Hello): Promise<void> {
      links.add(link);
      const query = `device=${device}&level=${level}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
      const headers = { upgrade: "websocket", "x-tenant": tenant, "x-user": user };
      const admission: Admission | Response = await chat.admit(new Request(`http://sim/ws?${query}`, { headers }));
      const admittedAt = timeline.now();
      const { upgradeMs = 0 } = faults();
      if (upgradeMs > 0)
        await new Promise<void>((open) => void timeline.after(chance.unit() * upgradeMs, () => process.run(open)));
      if (process.isDead()) return;
      if (admission instanceof Response || !link.isServed()) {
        links.delete(link);
        return link.cut("client");
      }
      type Data = { readonly admission: Admission; events: null };
      const ws = { ...link.socket, data: { admission, events: null } } as unknown as ServerWebSocket<Data>;
      link.attach({
        receive: (frame) => void websocket.message?.(ws, frame),
        drain: () => void websocket.drain?.(ws),
        pong: () => void websocket.pong?.(ws, Buffer.alloc(0)),
        closed(code) {
          links.delete(link);
          sessions.delete(link);
          void websocket.close?.(ws, code, "");
        },
      });
      sessions.set(link, { tenant, user, device, link, admittedAt, openedAt: timeline.now() });
      void websocket.open?.(ws);
    },
    /** The process is gone in an instant, and its sockets with it. */
    kill(): void {
      process.kill();
      for (const link of links) link.die();
    },
    /** As after SIGTERM: it drains, then exits. */
    async stop(): Promise<void> {
      await chat.close();
      process.kill();
      for (const link of links) link.die();
    },
    /** Cuts it off from the database and the other nodes for this long. */
    cutOff(ms: number): void {
      isCutOff = true;
      void timeline.after(ms, () => (isCutOff = false));
    },
  };
}

export type SimNode = ReturnType<typeof createNode>;
