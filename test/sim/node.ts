import type { SocketEvents } from "../../src/connection/socket.ts";
import { createFeed } from "../../src/feed/feed.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import type { Engine, Row, Statement } from "../../src/store/engine/engine.ts";
import { createStore } from "../../src/store/libsql-store.ts";
import type { Store } from "../../src/store/store.ts";
import { type Chance, randomOf } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { SimSocket } from "./link.ts";
import type { Timeline } from "./timeline.ts";

/** What a test may plant into a node, to see that it is found. */
export type Plant = {
  readonly engine?: (engine: Engine) => Engine;
  readonly store?: (store: Store) => Store;
};

export type NodeOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly engine: Engine;
  /** Whether faults are still being planted. */
  readonly isSafetyPhase: () => boolean;
  readonly plant: Plant;
};

/** One server process: the real store, feed and hub, over the shared database behind a layer of faults. */
export async function startNode({ timeline, chance, faults, engine, isSafetyPhase, plant }: NodeOptions) {
  let isDead = false;
  const skew = chance.between(-faults.skewMs, faults.skewMs);
  const clock: Clock = timeline.clockOf(
    () => skew,
    () => isDead,
  );
  const never = new Promise<never>(() => {});
  const sometimes = (probability: number): boolean => isSafetyPhase() && chance.hits(probability);

  type Call = (statements: readonly Statement[]) => Promise<Row[][]>;
  /** A call over a network: late on its way there and back; a dead node hears no answer. */
  const faulty =
    (call: Call, before: number, after: number): Call =>
    async (statements) => {
      if (faults.storeMs > 0) await timeline.sleep(chance.unit() * faults.storeMs);
      if (isDead) return never;
      if (sometimes(before)) throw new Error("planted: failed before");
      const rows = await call(statements);
      if (faults.storeMs > 0) await timeline.sleep(chance.unit() * faults.storeMs);
      if (isDead) return never;
      if (sometimes(after)) throw new Error("planted: the answer was lost");
      return rows;
    };
  const behindFaults: Engine = {
    read: faulty(engine.read, faults.readFails, 0),
    write: faulty(engine.write, faults.writeFailsBefore, faults.writeFailsAfter),
    close: async () => {},
  };

  const limits: Limits = {
    ...defaultLimits,
    ...faults.limits,
    headPollMs: 500,
    storeProbeMs: 500,
    slowConsumerMs: 20_000,
    heartbeatMs: 5_000,
  };
  const planted = plant.engine?.(behindFaults) ?? behindFaults;
  const inner = createStore({ engine: planted, clock, random: randomOf(chance), limits, onFault: () => {} });
  const store = plant.store?.(inner) ?? inner;
  const feed = createFeed({ store, clock, limits, onNewEpoch: () => {} });
  await feed.start();
  const hub = createHub({ store, feed, clock, limits, report: () => {} });
  const sockets = new Set<SimSocket>();

  return {
    connect(socket: SimSocket, user: string, device: string, cursor: string | undefined): SocketEvents | null {
      if (isDead || !store.isAvailable()) return null;
      sockets.add(socket);
      return hub.connect(socket, { tenant: "t", user }, { device, ...(cursor === undefined ? {} : { cursor }) });
    },
    /** The process is gone in an instant, and its sockets with it. */
    kill(): void {
      isDead = true;
      for (const socket of sockets) socket.die();
    },
    isDead: (): boolean => isDead,
    limits,
    sizes: hub.sizes,
  };
}

export type SimNode = Awaited<ReturnType<typeof startNode>>;
