import { demo } from "../../../src/access/demo.ts";
import { createAdmit } from "../../../src/access/admit.ts";
import { createProve } from "../../../src/access/prove.ts";
import { levelMax } from "../../../src/log/log-kinds.ts";
import { createApi } from "../../../src/http/api.ts";
import type { Cursors } from "../../../src/protocol/cursor.ts";
import type { Clock } from "../../../src/internal/clock.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createPushHealth } from "../../../src/push/health.ts";
import { createRequestLimit } from "../../../src/push/request-limit.ts";
import { createPushWorker } from "../../../src/push/worker.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import type { Store } from "../../../src/store/store.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import type { FakeSocket } from "../../support/fake-socket.ts";
import { startHub } from "../../support/hub.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createPushing, explanationsOf, hoursOf } from "./pushing.ts";
import { createNaming } from "./naming.ts";
import {
  devices,
  type Act,
  type Call,
  type Conversation,
  messageId,
  type CursorChoice,
  type PushCall,
  type Script,
  type Slot,
  type Tenant,
  tenants,
  users,
} from "./script.ts";

export type WorldOptions = {
  /** The tenants that act; the other one stays away. */
  readonly present: readonly Tenant[];
  /** One act per turn: the order within a turn may depend on how long a look-up took. */
  readonly isSerial?: boolean;
  /** Replaces each conversation that an act's user is not a member of by one that does not exist. */
  readonly isHidden?: boolean;
  readonly wrapEngine?: (engine: Engine) => Engine;
  readonly wrapStore?: (store: Store) => Store;
};

/** One frame, answer or push that a user received, with its step and device, before any renaming. */
export type Received = {
  readonly type: "received";
  readonly step: number;
  readonly slot: string;
  readonly what: object;
};
/** A device connected or acked with this cursor (connected without one: undefined), or left. */
export type CursorUse = {
  readonly type: "connect" | "ack" | "hang up";
  readonly step: number;
  readonly slot: string;
  readonly cursor: string | undefined;
  /** The newest change number at that moment. */
  readonly head: number;
};
export type World = {
  /** In the order in which they happened. */
  readonly events: readonly (Received | CursorUse)[];
  readonly ledger: Ledger;
  /** Reads the opaque texts of this world's database. */
  readonly codec: Cursors;
  /** The head's cursor after each step. */
  readonly heads: readonly string[];
  readonly acts: number;
};

/** After this many turns without work everything that was to happen has happened. */
const quietTurns = 3;
const lastMs = 3_000;
/** The worker looks around each second from here on; all acts are at whole seconds. */
const workerAtMs = 500;
const limits = {
  // Small, so that pages, windows and acks are cut where one tenant could affect the other.
  ...{
    pageChangesMax: 3,
    ackMessagesMax: 1,
    connectionsPerUserMax: 2,
    historyRowsMax: 3,
    unreadRowsMax: 2,
    pageUnreadRowsMax: 2,
    relationsMax: 2,
  },
  ...{ marksDelayMs: 3, emptyChangesDelayMs: 10, headPollMs: 10_000, heartbeatMs: 60_000_000 },
  presenceGraceMs: 20,
  ...{ pushAddressesPerUserMax: 2, pushActiveDelayMs: 200, pushIdleDelayMs: 300, pushRetryMs: 50 },
};

/** These come first in a step: whether a replay falls between two commits depends on turns, not on tenants. */
const entrances: readonly Act["type"][] = ["connect", "hang up"];

const phases = ["entrances", "acts", "calls"] as const;
const phaseOf = ({ type }: Act): (typeof phases)[number] =>
  entrances.includes(type) ? "entrances" : type === "call" ? "calls" : "acts";

/** How long a provider queue gathers results before it stores them. */
const gatheredMs = 20;

/** A clock without that wait: the order of two notifications would depend on the other tenant's requests. */
const ungathered = (clock: Clock): Clock => ({
  ...clock,
  after: (ms, task) => clock.after(ms === gatheredMs ? 0 : ms, task),
});

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const nameOf = (tenant: Tenant, { user, device }: Slot): string => `${tenant} ${user} ${device}`;

/** Runs a script over a real hub and a real store on a real file, and returns all events. */
export async function runWorld(script: Script, options: WorldOptions): Promise<World> {
  const { present, isHidden = false, isSerial = false, wrapStore } = options;
  let isOver = false;
  // The work of one timer ends before the next timer: the result must not depend on the duration of a look-up or a digest.
  const clock = fakeClock(undefined, () => (isOver ? nextTurn() : settle()));
  let work = 0;
  const counted = (engine: Engine): Engine => ({
    read: (statements) => (work++, engine.read(statements)),
    write: (statements) => (work++, engine.write(statements)),
    close: engine.close,
  });
  // Receipts within a commit are in the order of the conversations' keys: here that is the order of their creation.
  let drawn = 0;
  const place = await startHub({
    clock,
    random: { ...systemRandom, integer: () => ++drawn },
    limits,
    wrapEngine: (engine) => counted(options.wrapEngine?.(engine) ?? engine),
    ...(wrapStore === undefined ? {} : { wrapStore }),
  });
  const { hub, store, feed } = place;
  const ledger = createLedger();
  store.onCommit(ledger.note);
  const admit = createAdmit({ authenticate: demo(), origins: [], now: clock.now, hasRoom: hub.hasRoom });
  const pushing = createPushing((slot, notice) => {
    work++;
    record(slot, notice);
  });
  const apiOf = (isHost: boolean) =>
    createApi({
      parts: async () => ({ store, policy: place.policy, connect: hub.connect, push: pushing }),
      prove: createProve({
        authenticate: async (request) => {
          const proof = await demo()(request);
          return proof && { ...proof, isHost };
        },
        now: clock.now,
      }),
      ...{ isHostAllowed: () => true, origins: [], isDraining: () => false, clock, random: systemRandom },
      limits: { ...defaultLimits, ...limits },
    });
  const [api, hostApi] = [apiOf(false), apiOf(true)];
  const worker = createPushWorker({
    ...{ store, feed, clock: ungathered(clock), isExclusive: true, ...pushing },
    // All wait equally long before a retry.
    random: { ...systemRandom, integer: () => 0 },
    limits: { ...defaultLimits, ...limits },
    requestLimit: createRequestLimit({ perProviderMax: defaultLimits.pushRequestsMax }),
    health: createPushHealth({ clock, onChange() {} }),
    idleMsOf: hub.idleMs,
    report(fault) {
      throw fault;
    },
  });
  const codec = store.cursors;
  const open = new Map<string, FakeSocket>();
  const events: (Received | CursorUse)[] = [];
  const noteCursor = (type: CursorUse["type"], slot: string, cursor?: string): void =>
    void events.push({ type, step, slot, cursor, head: ledger.head() });
  const record = (slot: string, what: object): void => void events.push({ type: "received", step, slot, what });
  /** Cursors that each device got, over all its connections. */
  const cursors = new Map<string, string[]>();
  /** Each is a cursor that the other tenant holds, if it made the last change. */
  const heads: string[] = [];
  const { conversationOf, targetOf, cursorOf, messageOf } = createNaming({ ledger, codec, cursors, heads, isHidden });
  const bodies: Promise<void>[] = [];
  /** Running calls that wait for no commit and no timer. */
  let asked = 0;
  let step = 0;
  let performed = 0;

  const request = (tenant: Tenant, slot: Slot, path: string, method: string, isUpgrade: boolean): Request =>
    new Request(`http://localhost${path}${path.includes("?") ? "&" : "?"}tenant=${tenant}&user=${slot.user}`, {
      method,
      headers: { host: "localhost", ...(isUpgrade && { upgrade: "websocket", connection: "Upgrade" }) },
    });

  /** Reading a body takes a turn, and the later acts of this turn must not wait for it. */
  function recordAnswer(slot: string, answer: Response): void {
    const what = { status: answer.status };
    record(slot, what);
    bodies.push(answer.json().then((body: unknown) => void Object.assign(what, { body })));
  }

  async function connect(tenant: Tenant, slot: Slot, choice: CursorChoice): Promise<void> {
    const name = nameOf(tenant, slot);
    const cursor = cursorOf(choice, name);
    const path = `/ws?device=${slot.device}&level=${levelMax}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
    const answer = await admit(request(tenant, slot, path, "GET", true));
    if (answer instanceof Response) return recordAnswer(name, answer);
    if (open.has(name)) collect(name);
    open.get(name)?.hangUp();
    const { session, device, level = levelMax } = answer;
    noteCursor("connect", name, cursor);
    const options = { session, device, level, ...(cursor === undefined ? {} : { cursor }) };
    open.set(name, place.connect(session.user, options));
  }

  /** The answer comes later, an ack's with its commit; it is recorded at the place of the request. */
  function ask(tenant: Tenant, slot: Slot, call: Call): void {
    const { user, device } = slot;
    const name = nameOf(tenant, slot);
    const what = {};
    const isHost = call.what === "explain" && call.isHost;
    // The host's answer is recorded for the user that it asked about.
    const about = call.what === "explain" && isHost ? nameOf(tenant, { ...slot, user: call.for ?? user }) : name;
    record(`${about} ${isHost ? "host" : "http"}`, what);
    const [method, path, body] = requestOf(call);
    const request = new Request(`http://localhost${path}&tenant=${tenant}&user=${user}`, {
      method,
      headers: { host: "localhost", "content-type": "application/json" },
      ...(body !== null && { body: JSON.stringify(body) }),
    });
    // To forget a device waits for its acks, and so for a timer.
    const isWaitedFor = !["ack", "read", "send", "forget"].includes(call.what);
    if (isWaitedFor) asked++;
    void (isHost ? hostApi : api)(request).then(async (answer) => {
      work++;
      const text = await answer.text();
      const body = text === "" ? null : (JSON.parse(text) as object);
      Object.assign(what, { status: answer.status, body: call.what === "explain" ? explanationsOf(body) : body });
      if (isWaitedFor) asked--;
    });

    function requestOf(call: Call): readonly [string, string, object | null] {
      const named = (conversation: Conversation): string => conversationOf(tenant, user, conversation);
      switch (call.what) {
        case "messages": {
          const target = call.target === null ? {} : targetOf(tenant, user, call.target, { isLookUp: true });
          const place = Object.entries(target).map(
            ([key, value]) => `${key === "to" ? "with" : key}=${encodeURIComponent(String(value))}`,
          );
          return ["GET", `/messages?${[`device=${device}`, ...place, ...call.filters].join("&")}`, null];
        }
        case "conversations":
          return ["GET", `/conversations?limit=${call.limit}`, null];
        case "send": {
          const target = targetOf(tenant, user, call.target);
          return ["POST", "/messages?", { id: messageId(call.id), ...target, text: call.text }];
        }
        case "ack": {
          const cursor = cursorOf(call.cursor, name) ?? heads[0] ?? "";
          noteCursor("ack", name, cursor);
          return ["POST", "/ack?", { device, cursor }];
        }
        case "people":
          return ["GET", `/${call.which}?limit=${call.limit}`, null];
        case "contact":
          return ["GET", `/contacts/${call.other}?`, null];
        case "say":
          return [call.holds ? "PUT" : "DELETE", `/${call.which}/${call.other}?`, null];
        case "read": {
          const id = encodeURIComponent(named(call.conversation));
          return ["POST", `/conversations/${id}/read?`, { seq: call.seq }];
        }
        default:
          return pushRequestOf(call);
      }
    }

    function pushRequestOf(call: PushCall): readonly [string, string, object | null] {
      switch (call.what) {
        case "device": {
          const { push, notify } = call;
          return ["PUT", `/devices/${device}?`, { ...(push && { push }), ...(notify !== null && { notify }) }];
        }
        case "forget":
          // One of a user's two devices is forgotten as a whole.
          return ["DELETE", `/devices/${device}?forget=${device === devices[0]}`, null];
        case "mute": {
          const id = encodeURIComponent(conversationOf(tenant, user, call.conversation));
          const until = call.until === null ? {} : { until: call.until === "past" ? 1 : clock.now() + 86_400_000 };
          // The list shows mutes as well, and so does one conversation out of it.
          if (call.method === "GET" && call.until === "later") return ["GET", `/conversations/${id}?`, null];
          const other = users[call.conversation.k % users.length];
          if (call.method === "GET" && call.until === "past") return ["GET", `/conversations?with=${other}`, null];
          return [call.method, `/conversations/${id}/mute?`, call.method === "PUT" ? until : null];
        }
        case "quiet hours":
          return [call.method, "/quiet-hours?", call.method === "PUT" ? hoursOf(clock.now(), call.isNow) : null];
        case "providers":
          return ["GET", "/push?", null];
        case "me":
          return ["GET", "/me?", null];
        case "explain": {
          const id = messageOf(tenant, call.for ?? user, call.id);
          return ["GET", `/push/explain?message=${id}${call.for === null ? "" : `&for=${call.for}`}`, null];
        }
      }
    }
  }

  function hangUp(name: string): void {
    const socket = open.get(name);
    if (socket) collect(name);
    socket?.hangUp();
    open.delete(name);
    noteCursor("hang up", name);
  }

  /** Starts one act; its consequences happen later. Only admissions are awaited. */
  async function perform(tenant: Tenant, act: Act): Promise<void> {
    const name = nameOf(tenant, act.slot);
    const { user, device } = act.slot;
    const socket = open.get(name);
    const named = (conversation: Conversation): string => conversationOf(tenant, user, conversation);
    switch (act.type) {
      case "connect":
        return await connect(tenant, act.slot, act.cursor);
      case "hang up":
        for (const one of act.all ? devices : [device]) hangUp(nameOf(tenant, { user, device: one }));
        return;
      case "send":
        return socket?.say({
          type: "send",
          id: messageId(act.id),
          ...targetOf(tenant, user, act.target),
          text: act.text,
        });
      case "ack": {
        const cursor = cursorOf(act.cursor, name) ?? heads[0] ?? "";
        if (socket) noteCursor("ack", name, cursor);
        return socket?.say({ type: "ack", cursor });
      }
      case "read":
        return socket?.say({ type: "read", conversation: named(act.conversation), seq: act.seq });
      case "typing":
        return socket?.say({ type: "typing", ...targetOf(tenant, user, act.target, { isLookUp: true }), typing: true });
      case "watch":
        return socket?.say({ type: "watch", users: act.users });
      case "store read":
        return store.read({ tenant, user }, named(act.conversation), act.seq);
      case "store ack": {
        const cursor = heads.at(-1) ?? "";
        noteCursor("ack", name, cursor);
        return store.ack({ tenant, user }, device, codec.decode(cursor)?.n ?? 0);
      }
      case "call":
        return ask(tenant, act.slot, act.call);
      case "request": {
        const answer = await admit(request(tenant, act.slot, act.path, act.method, false));
        if (answer instanceof Response) recordAnswer(name, answer);
      }
    }
  }

  /** Records everything that a connection has received since the last time. */
  function collect(name: string): void {
    const socket = open.get(name);
    if (!socket) return;
    const mine = cursors.get(name) ?? [];
    cursors.set(name, mine);
    for (const frame of socket.frames.splice(0)) {
      work++;
      record(name, frame);
      if ("cursor" in frame) mine.push(frame.cursor);
    }
    if (socket.state.closed === null) return;
    record(name, socket.state.closed);
    open.delete(name);
  }

  async function settle(): Promise<void> {
    await Promise.all(bodies.splice(0));
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      const before = work;
      await nextTurn();
      for (const name of [...open.keys()].sort()) collect(name);
      if (work !== before || asked > 0 || worker.sizes().requests > 0) quiet = -1;
    }
  }

  try {
    await clock.advance(workerAtMs);
    worker.start();
    await clock.advance(workerAtMs);
    for (const { acts, first, waitMs } of script.steps) {
      step++;
      const order = tenants.toSorted((a) => (a === first ? -1 : 1)).filter((tenant) => present.includes(tenant));
      for (const phase of phases) {
        for (const tenant of order)
          for (const act of acts[tenant]) {
            if (phaseOf(act) !== phase) continue;
            performed++;
            // Typing is dropped while an answer is on its way to its sender, and a call sees the earlier commits: both get turns
            // of their own.
            const isAlone = isSerial || ["typing", "watch", "call"].includes(act.type);
            if (isAlone) await settle();
            await perform(tenant, act);
            if (isAlone) await settle();
          }
        await settle();
      }
      if (waitMs > 0) await clock.advance(waitMs);
      await settle();
      heads.push(codec.encode({ ...(await store.head()), level: levelMax }));
    }
    // Acks and reads that still wait for a commit of marks are answered.
    await clock.advance(lastMs);
    await settle();
    return { events, ledger, codec, heads, acts: performed };
  } finally {
    isOver = true;
    await place.stop();
  }
}
