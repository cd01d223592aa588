import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCommitNotices } from "../../src/feed/commit-notices.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { createFeed } from "../../src/feed/feed.ts";
import { createHub, type HubEvent } from "../../src/hub/hub.ts";
import { createLimiter } from "../../src/access/limiter.ts";
import { type Authorize, type CanSee, createPolicy } from "../../src/access/policy.ts";
import { createRevalidation, type Revalidate } from "../../src/hub/revalidation.ts";
import { type Clock, systemClock } from "../../src/internal/clock.ts";
import { type Random, systemRandom } from "../../src/internal/random.ts";
import type { Session } from "../../src/model.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import { type RateOptions, ratesOf } from "../../src/protocol/rates.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Store } from "../../src/store/store.ts";
import type { FakeClock } from "./fake-clock.ts";
import { fakeSocket } from "./fake-socket.ts";
import { putMigratedFile } from "./migrated-file.ts";
import { storeOn } from "./store.ts";

export type HubOverrides = {
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly random?: Random;
  /** The host's own. */
  readonly rules?: { readonly authorize?: Authorize; readonly canSee?: CanSee };
  readonly rates?: RateOptions;
  readonly revalidate?: Revalidate;
  /** Another node on the same database: it has the store, and closes it. */
  readonly sibling?: { readonly store: Store };
  readonly transport?: Transport;
  /** Wraps the engine or the store, to plant a fault. */
  readonly wrapEngine?: (engine: Engine) => Engine;
  readonly wrapStore?: (store: Store) => Store;
};

let nodes = 0;

/** A real hub on a real file, with sockets that the test controls. */
export async function startHub(overrides: HubOverrides = {}) {
  const {
    limits: some,
    clock = systemClock,
    random = systemRandom,
    wrapEngine,
    wrapStore,
    rules,
    rates,
    revalidate,
    sibling,
    transport,
  } = overrides;
  const folder = mkdtempSync(join(tmpdir(), "tidings-hub-"));
  const limits: Limits = {
    ...defaultLimits,
    marksDelayMs: 1,
    storeProbeMs: 20,
    headPollMs: 50,
    emptyChangesDelayMs: 20,
    presenceGraceMs: 1,
    ...some,
  };
  const open = async () => {
    await putMigratedFile(join(folder, "chat.db"));
    const embedded = createEmbeddedEngine({ path: join(folder, "chat.db") });
    return await storeOn(wrapEngine?.(embedded) ?? embedded, { limits, clock, random });
  };
  const { store: inner, faults } = sibling ? { store: sibling.store, faults: [] } : await open();
  const store = wrapStore?.(inner) ?? inner;
  const events: HubEvent[] = [];
  const notices = transport && createCommitNotices(transport, { clock });
  const feed = createFeed({ store, clock, limits, notices });
  await feed.start();
  const limiter = rates && createLimiter({ rates: ratesOf(rates), clock });
  const policy = createPolicy({
    ...{ store, clock, answerMs: limits.hostAnswerMs, ...rules },
    report: (fault) => events.push({ type: "fault", fault }),
  });
  const hub = createHub({
    store,
    feed,
    clock,
    limits,
    policy,
    limiter,
    revalidation:
      revalidate &&
      createRevalidation({
        ...{ revalidate, clock, everyMs: limits.revalidateMs, answerMs: limits.hostAnswerMs },
        report: (fault) => events.push({ type: "fault", fault }),
      }),
    ...(transport && { transport, node: `node ${++nodes}` }),
    report: (event) => events.push(event),
  });

  return {
    hub,
    feed,
    store,
    policy,
    push: { providers: [] },
    events,
    faults,
    /** Connects a device of a user and returns its socket. */
    connect(
      user: string,
      options: { device?: string; cursor?: string; level?: number; session?: Partial<Session>; stalled?: boolean } = {},
    ) {
      const socket = fakeSocket();
      if (options.stalled) socket.stall();
      const { device = "d", cursor, level } = options;
      const session = { tenant: "default", user, ...options.session };
      socket.attach(
        hub.connect(socket.socket, session, {
          device,
          ...(cursor === undefined ? {} : { cursor }),
          ...(level === undefined ? {} : { level }),
        }),
      );
      return socket;
    },
    async stop(): Promise<void> {
      feed.stop();
      let isStopped = false;
      const stopping = hub.stop(500).finally(() => {
        isStopped = true;
      });
      // A clock that a test moves by hand moves on here, so that the shutdown's own waits end.
      if ("advance" in clock) for (let i = 0; i < 100 && !isStopped; i++) await (clock as FakeClock).advance(10);
      await stopping;
      if (!sibling) await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type TestHub = Awaited<ReturnType<typeof startHub>>;
