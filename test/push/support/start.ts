import type { PushCut } from "../../../src/push/request.ts";
import { createPushHealth, type PushHealthChange } from "../../../src/push/health.ts";
import type { OnPush } from "../../../src/push/preview.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { explainPush } from "../../../src/push/explain.ts";
import { createRequestLimit } from "../../../src/push/request-limit.ts";
import { createPushWorker, type PushWorker } from "../../../src/push/worker.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { sha256 } from "../../../src/internal/sha256.ts";
import { defaultLimits, type Limits } from "../../../src/protocol/limits.ts";
import type { PushStore } from "../../../src/store/push/push-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";
import { type HubOverrides, startHub, type TestHub } from "../../support/hub.ts";
import { accepted, newId, person } from "../../support/store.ts";
import { digestAtOnce } from "../../proof/sim/instant-digest.ts";

export type PushOverrides = Omit<HubOverrides, "limits" | "clock"> & {
  readonly providers: readonly PushProvider[];
  readonly onPush?: OnPush;
  readonly onCut?: (cut: PushCut) => void;
  readonly onHealth?: (change: PushHealthChange) => void;
  readonly limits?: Partial<Limits>;
  /** Whether the first worker has the database for itself; default true. */
  readonly isExclusive?: boolean;
};

/** Sockets that never pong, on a clock with little else to do. */
export const calm = { presenceGraceMs: 10_000, heartbeatMs: 1_000_000_000, headPollMs: 60_000 };

/**
 * Work that needs no timer ends within this many turns of the event loop, because nothing here needs a thread or the network. Work that
 * hangs, or that waits for the clock, gets no more turns than that.
 */
const turns = { least: 10, most: 40 };
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const running: { stop(): Promise<void> }[] = [];

/** Stops everything that the tests of this file have started. */
export async function stopAll(): Promise<void> {
  for (const each of running.splice(0).toReversed()) await each.stop();
}

/** A hub with a push worker on a real file, and a clock that the test moves. */
export async function startPush({
  providers,
  onPush,
  onCut,
  onHealth = () => {},
  isExclusive = true,
  ...overrides
}: PushOverrides) {
  const endDigests = digestAtOnce();
  /** Calls of the store that are under way, and calls of providers and the host. */
  const under = { calls: 0, outside: 0 };
  const workers: PushWorker[] = [];
  const isBusy = (): boolean =>
    under.calls > 0 || workers.reduce((sum, each) => sum + each.sizes().requests, 0) > under.outside;
  async function turn(): Promise<void> {
    for (let i = 0; i < turns.least || (i < turns.most && isBusy()); i++) await nextTurn();
  }
  const counted = async <T>(what: keyof typeof under, work: Promise<T> | T): Promise<T> => {
    under[what]++;
    try {
      return await work;
    } finally {
      under[what]--;
    }
  };
  const clock: FakeClock = fakeClock(undefined, turn);
  const limits: Limits = { ...defaultLimits, ...calm, ...overrides.limits };
  const hub: TestHub = await startHub({ ...overrides, clock, limits: { ...calm, ...overrides.limits } });
  const faults: unknown[] = [];
  const life = { isDead: false };
  /** The methods of the store that never answer. */
  const hanging = new Set<keyof PushStore>();
  /** The store as a process has it for as long as it lives. */
  const storeFor = (one: { isDead: boolean }): Pick<Store, "push" | "isAvailable"> => ({
    isAvailable: hub.store.isAvailable,
    push: new Proxy(hub.store.push, {
      get:
        (target, name: keyof PushStore) =>
        (...args: never[]) =>
          one.isDead || hanging.has(name)
            ? new Promise(() => {})
            : counted("calls", (target[name] as (...args: never[]) => unknown)(...args)),
    }),
  });
  /** Providers and the host may take any time. */
  const outside = providers.map((provider) => ({
    ...provider,
    send: (...args: Parameters<PushProvider["send"]>) => counted("outside", provider.send(...args)),
  }));
  const host: OnPush | undefined = onPush && ((draft) => counted("outside", onPush(draft)));
  const makeWorker = (isItExclusive = true, one = { isDead: false }) => {
    const made = createPushWorker({
      ...{ store: storeFor(one), feed: hub.feed, clock, random: systemRandom, limits, isExclusive: isItExclusive },
      ...{ providers: outside, onPush: host, onCut },
      requestLimit: createRequestLimit({ perProviderMax: limits.pushRequestsMax }),
      health: createPushHealth({ clock, onChange: onHealth }),
      idleMsOf: hub.hub.idleMs,
      report: (fault) => faults.push(fault),
    });
    workers.push(made);
    return made;
  };
  const worker = makeWorker(isExclusive, life);
  worker.start();

  async function settle(): Promise<void> {
    for (let i = 0; i < 4; i++) await turn();
  }

  /** Moves the clock in small steps, so that what each step begins can go on. */
  async function pass(ms: number, stepMs = 25): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(stepMs, left));
    await settle();
  }

  async function during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (let i = 0; i < 200 && !isDone; i++) await clock.advance(5);
    return await done;
  }

  const push = {
    ...hub,
    clock,
    worker,
    makeWorker,
    faults,
    pass,
    hanging,
    /** Kills the first worker's process: it gets no more answers, and writes nothing more. */
    kill(): void {
      life.isDead = true;
    },
    /** Waits for work that needs the clock to move. */
    during,
    /** Accepts a message. */
    async send(from: string, to: string, text = "hello", id = newId()) {
      return await during(accepted(hub.store, { from, to, text, id }));
    },
    async register(user: string, device: string, token = `${user} ${device}`, provider = "phones") {
      const address = { provider, token, hash: await sha256(`${provider} ${token}`) };
      await hub.store.devices.putDevice(person(user), device, { address, now: clock.now() });
    },
    async read(user: string, conversation: string, seq: number): Promise<void> {
      await during(new Promise<void>((resolve) => hub.store.read(person(user), conversation, seq, () => resolve())));
    },
    async ack(user: string, device: string, n: number): Promise<void> {
      await during(new Promise<void>((resolve) => hub.store.ack(person(user), device, n, () => resolve())));
    },
    /** A device with a socket that has all messages. */
    async online(user: string, device: string) {
      const socket = hub.connect(user, { device });
      await until(() => socket.of("changes").some(({ more }) => !more));
      return socket;
    },
    async why(user: string, id: string) {
      const [found] = await explainPush(hub.store.push, { ...person(user), id });
      return found?.decisions ?? [];
    },
    async stop(): Promise<void> {
      await Promise.race([worker.stop(1_000), pass(1_000)]);
      await hub.stop();
      endDigests();
    },
  };
  running.push(push);
  await pass(100);
  return push;
}
