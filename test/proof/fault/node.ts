import type { Socket } from "../../../src/connection/socket.ts";
import { createFeed } from "../../../src/feed/feed.ts";
import { createHub } from "../../../src/hub/hub.ts";
import { createPolicy } from "../../../src/access/policy.ts";
import type { Clock } from "../../../src/internal/clock.ts";
import type { Random } from "../../../src/internal/random.ts";
import { waitAtMost } from "../../../src/internal/deadline.ts";
import { defaultLimits, type Limits } from "../../../src/protocol/limits.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { createStore } from "../../../src/store/libsql-store.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Wire } from "./wire.ts";

/** Small enough that a short day reaches each of them. */
export const dayLimits: Limits = {
  ...defaultLimits,
  sendWindow: 8,
  outboxBytesMax: 40_000,
  changesBytesMax: 8_000,
  pageChangesMax: 16,
  marksDelayMs: 40,
  headPollMs: 700,
  storeProbeMs: 160,
  emptyChangesDelayMs: 50,
  shutdownMs: 4_000,
};

export type NodeOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  /** Wrap the store, or each socket, to plant a bug. */
  readonly wrapStore: (store: Store) => Store;
  readonly wrapSocket: (socket: Socket) => Socket;
};

/** One server: the real store, feed and hub. Rejects where the store does not answer at the start. */
export async function startNode({ engine, clock, random, wrapStore, wrapSocket }: NodeOptions) {
  const limits = dayLimits;
  const store = wrapStore(createStore({ engine, clock, random, limits, onFault: () => {} }));
  const feed = createFeed({ store, clock, limits });
  const policy = createPolicy({ store, clock, answerMs: limits.hostAnswerMs, report: () => {} });
  const hub = createHub({ store, feed, clock, limits, policy, report: () => {} });
  await feed.start();
  let isStopping = false;
  return {
    /** False where an upgrade would be answered 503. */
    open(wire: Wire, user: string, options: { device: string; cursor?: string }): boolean {
      if (isStopping || !store.isAvailable()) return false;
      wire.attach(hub.connect(wrapSocket(wire.socket), { tenant: "default", user }, options));
      return true;
    },
    isStopping: (): boolean => isStopping,
    /** As the chat shuts down; returns how long it took. */
    async stop(): Promise<number> {
      const begun = clock.now();
      isStopping = true;
      feed.stop();
      await hub.stop(limits.shutdownMs * 0.75);
      await waitAtMost(store.close(), { clock, ms: limits.shutdownMs / 4 });
      return clock.now() - begun;
    },
    sizes: hub.sizes,
  };
}

export type Node = Awaited<ReturnType<typeof startNode>>;
