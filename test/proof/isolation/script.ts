import type { Chance } from "../sim/chance.ts";

/** The two tenants. Their people, devices and message ids have the same names. */
export const tenants = ["acme", "rival"] as const;
export type Tenant = (typeof tenants)[number];

export const users = ["alice", "bob", "carol"] as const;
export const devices = ["d1", "d2"] as const;
/** A device of a user, and the one connection that it may have. */
export type Slot = { readonly user: string; readonly device: string };

/** The conversation that an act names. `own`: the k-th that the tenant has seen; `foreign`: the k-th of the other tenant. */
export type Conversation = { readonly of: "own" | "foreign" | "nobody" | "nonsense"; readonly k: number };
export type Target = { readonly to: string } | { readonly conversation: Conversation };

/** The cursor that an act names: none, one that this device got, one that the other tenant holds, or one that no device got. */
export type CursorChoice = "none" | "newest" | "older" | "foreign" | "beyond" | "other epoch" | "malformed";

/** One request at the HTTP API. `filters` are whole parameters, and name no user or conversation. */
export type Call =
  | { readonly what: "messages"; readonly target: Target | null; readonly filters: readonly string[] }
  | { readonly what: "conversations"; readonly limit: number }
  | { readonly what: "send"; readonly id: number; readonly target: Target; readonly text: string }
  | { readonly what: "ack"; readonly cursor: CursorChoice }
  | { readonly what: "read"; readonly conversation: Conversation; readonly seq: number }
  | { readonly what: "people"; readonly which: Which; readonly limit: number }
  | { readonly what: "contact"; readonly other: string }
  | { readonly what: "say"; readonly which: Which; readonly other: string; readonly holds: boolean }
  | PushCall;

/** A user's notification settings, and questions about them. */
export type PushCall =
  | {
      readonly what: "device";
      readonly push: { readonly provider: string; readonly token: string } | null;
      readonly notify: boolean | null;
    }
  | { readonly what: "forget" }
  | {
      readonly what: "mute";
      readonly method: Method;
      readonly conversation: Conversation;
      readonly until: "past" | "later" | null;
    }
  | { readonly what: "quiet hours"; readonly method: Method; readonly isNow: boolean }
  | { readonly what: "providers" }
  | { readonly what: "me" }
  /** `for`: the question is about another user; `isHost`: the host asks, which may. */
  | { readonly what: "explain"; readonly id: number; readonly for: string | null; readonly isHost: boolean };
type Method = "GET" | "PUT" | "DELETE";

/** Relations to other users. */
export type Which = "contacts" | "blocks";

/** An act of one user. */
export type Act =
  | { readonly type: "connect"; readonly slot: Slot; readonly cursor: CursorChoice }
  /** `all`: the user's other devices too. */
  | { readonly type: "hang up"; readonly slot: Slot; readonly all: boolean }
  | { readonly type: "send"; readonly slot: Slot; readonly id: number; readonly target: Target; readonly text: string }
  | { readonly type: "ack"; readonly slot: Slot; readonly cursor: CursorChoice }
  | { readonly type: "read"; readonly slot: Slot; readonly conversation: Conversation; readonly seq: number }
  | { readonly type: "typing"; readonly slot: Slot; readonly target: Target }
  | { readonly type: "watch"; readonly slot: Slot; readonly users: readonly string[] }
  /** Through the store and not over a socket, as the code of a host may: it passes the hub's own checks by. */
  | { readonly type: "store read"; readonly slot: Slot; readonly conversation: Conversation; readonly seq: number }
  | { readonly type: "store ack"; readonly slot: Slot }
  | { readonly type: "call"; readonly slot: Slot; readonly call: Call }
  | { readonly type: "request"; readonly path: string; readonly method: string; readonly slot: Slot };

/** The acts of one turn of the event loop, then a wait without acts. */
export type Step = {
  readonly acts: Readonly<Record<Tenant, readonly Act[]>>;
  readonly first: Tenant;
  readonly waitMs: number;
};
export type Script = { readonly seed: number; readonly steps: readonly Step[] };

const slots: readonly Slot[] = users.flatMap((user) => devices.map((device) => ({ user, device })));
const idsMax = 10_000;
/** Few, so that the same user and the other tenant use them again. */
const idsOfRetries = 8;
const actsMax = 8;
const callsMax = 3;
/** Few, so that users and tenants share them, like the phones of a household. */
const tokens = ["phone1", "phone2", "phone3"] as const;
/**
 * Longer than all marks and pushes of a step take, so that the order of timers does not matter. Whole seconds, as the worker
 * looks around at the half of each.
 */
const settledMs = 3_000;
/** Last-seen times are rounded to minutes. */
const minuteMs = 61_000;

const drawConversation = (chance: Chance): Conversation => ({
  of: chance.pick(["own", "own", "own", "own", "foreign", "foreign", "nobody", "nonsense"] as const),
  k: chance.between(0, 2),
});

const drawTarget = (chance: Chance, { user }: Slot): Target =>
  chance.hits(0.6)
    ? {
        to: chance.hits(0.1)
          ? chance.pick([user, "dave", "no body"])
          : chance.pick(users.filter((one) => one !== user)),
      }
    : { conversation: drawConversation(chance) };

const drawCursor = (chance: Chance): CursorChoice =>
  chance.pick(["none", "none", "newest", "newest", "older", "foreign", "beyond", "other epoch", "malformed"] as const);

export const messageId = (id: number): string => `00000000-0000-7000-8000-${String(id).padStart(12, "0")}`;

function drawFilters(chance: Chance, isPlaced: boolean): string[] {
  const ids = Array.from({ length: chance.between(1, 4) }, () => messageId(chance.between(0, idsOfRetries)));
  const ways = [`before=${chance.between(1, 6)}`, `after=${chance.between(1, 6)}`, `around=${chance.between(1, 6)}`];
  return [
    `limit=${chance.pick([1, 2, 5, 50])}`,
    ...(chance.hits(0.3) ? [`from=${chance.pick(users)}`] : []),
    ...(chance.hits(0.3) ? ["undelivered=true"] : []),
    ...(chance.hits(0.2) ? [`since=${1_780_000_000_000 + chance.between(0, 2_000)}`] : []),
    ...(chance.hits(0.2) ? [`ids=${ids.join(",")}`] : isPlaced && chance.hits(0.5) ? [chance.pick(ways)] : []),
  ];
}

/** Strangers too, who exist in neither tenant or only in the other. */
const drawOther = (chance: Chance, { user }: Slot): string =>
  chance.pick([...users, ...users, "dave", "erin"].filter((one) => one !== user));

function drawRelationCall(chance: Chance, slot: Slot): Call {
  const which = chance.pick(["contacts", "blocks"] as const);
  const kind = chance.between(0, 5);
  if (kind === 0) return { what: "people", which, limit: chance.between(1, 3) };
  if (kind === 1) return { what: "contact", other: drawOther(chance, slot) };
  return { what: "say", which, other: drawOther(chance, slot), holds: chance.hits(0.6) };
}

/** Mostly a phone: the device's own, or a shared one. Otherwise the provider that needs no address, but accepts one. */
const drawPush = (chance: Chance, { user, device }: Slot): { provider: string; token: string } => ({
  provider: chance.pick(["phones", "phones", "phones", "hook"] as const),
  token: chance.hits(0.5) ? `${user}-${device}` : chance.pick(tokens),
});

function drawDeviceCall(chance: Chance, slot: Slot): PushCall {
  if (chance.hits(0.4)) return { what: "forget" };
  const push = chance.hits(0.8) ? drawPush(chance, slot) : null;
  return { what: "device", push, notify: chance.hits(0.3) ? chance.hits(0.7) : null };
}

const drawQuietHours = (chance: Chance): PushCall => ({
  what: "quiet hours",
  method: chance.pick(["GET", "PUT", "PUT", "DELETE"] as const),
  isNow: chance.hits(0.7),
});

function drawPushCall(chance: Chance, slot: Slot): PushCall {
  const kind = chance.between(0, 22);
  if (kind < 8) return drawDeviceCall(chance, slot);
  if (kind < 12) {
    const until = chance.pick(["past", "later", null] as const);
    return { what: "mute", method: "PUT", conversation: drawConversation(chance), until };
  }
  if (kind < 16) return drawQuietHours(chance);
  if (kind === 16) return { what: slot.device === devices[0] ? "me" : "providers" };
  return {
    what: "explain",
    id: chance.between(0, idsOfRetries),
    for: chance.hits(0.4) ? chance.pick([...users, "dave"]) : null,
    isHost: chance.hits(0.7),
  };
}

/** A setting is asked for after it, or removed. */
function followed(chance: Chance, call: Call): readonly Call[] {
  if (call.what !== "mute" && call.what !== "quiet hours") return [call];
  const methods = chance.pick([[], ["GET"], ["DELETE"], ["DELETE", "GET"]] as const);
  return [call, ...methods.map((method) => ({ ...call, method }))];
}

function drawCall(chance: Chance, slot: Slot): Call {
  if (chance.hits(0.3)) return drawPushCall(chance, slot);
  if (chance.hits(0.35)) return drawRelationCall(chance, slot);
  const kind = chance.between(0, 9);
  if (kind < 5) {
    const target = chance.hits(0.6) ? drawTarget(chance, slot) : null;
    return { what: "messages", target, filters: drawFilters(chance, target !== null) };
  }
  if (kind === 5) return { what: "conversations", limit: chance.between(1, 3) };
  if (kind === 6) return { what: "read", conversation: drawConversation(chance), seq: chance.between(0, 6) };
  if (kind === 7) return { what: "ack", cursor: chance.pick(["newest", "older", "foreign", "beyond", "malformed"]) };
  const id = chance.between(0, idsOfRetries);
  return { what: "send", id, target: drawTarget(chance, slot), text: chance.pick(["one", "two"]) };
}

function drawAct(chance: Chance): Act {
  const slot = chance.pick(slots);
  const kind = chance.between(0, 99);
  if (kind < 14) return { type: "connect", slot, cursor: drawCursor(chance) };
  if (kind < 18) return { type: "hang up", slot, all: chance.hits(0.6) };
  if (kind < 55) {
    const text = chance.pick(["one", "two"]);
    return {
      type: "send",
      slot,
      id: chance.between(0, chance.pick([idsOfRetries, idsMax])),
      target: drawTarget(chance, slot),
      text,
    };
  }
  if (kind < 68) return { type: "ack", slot, cursor: chance.pick(["newest", "newest", "older", "foreign", "beyond"]) };
  if (kind < 78) return { type: "read", slot, conversation: drawConversation(chance), seq: chance.between(0, 6) };
  if (kind < 81) return { type: "watch", slot, users: [...users, "dave", "erin"].filter(() => chance.hits(0.6)) };
  if (kind < 87) return { type: "typing", slot, target: drawTarget(chance, slot) };
  if (kind < 93) return { type: "store read", slot, conversation: drawConversation(chance), seq: chance.between(0, 9) };
  if (kind < 97) return { type: "store ack", slot };
  return {
    type: "request",
    slot,
    method: chance.pick(["GET", "POST"]),
    path: chance.pick(["/ws", "/ws?device=%00", "/messages", "/conversations", "/"]),
  };
}

/** Calls come last: a call between two sends would put them into different commits. */
function drawActs(chance: Chance): readonly Act[] {
  const acts = Array.from({ length: chance.between(0, actsMax) }, () => drawAct(chance));
  const calls = Array.from({ length: chance.between(0, callsMax) }, () => {
    const slot = chance.pick(slots);
    return followed(chance, drawCall(chance, slot)).map((call): Act => ({ type: "call", slot, call }));
  }).flat();
  return [...acts, ...calls];
}

/** The rival's act beside an act of the other tenant: the same under the same names, or one on the same subject. */
function mirrored(chance: Chance, act: Act): Act {
  const foreign = (conversation: Conversation): Conversation => ({ ...conversation, of: "foreign" });
  if (chance.hits(0.4)) return act;
  switch (act.type) {
    case "read":
    case "store read":
      return { ...act, type: "store read", conversation: foreign(act.conversation), seq: act.seq + 1 };
    case "send":
      return "to" in act.target ? act : { ...act, target: { conversation: foreign(act.target.conversation) } };
    case "ack":
      return { type: "store ack", slot: act.slot };
    case "call":
      return act.call.what === "mute"
        ? { ...act, call: { ...act.call, method: "PUT", until: null, conversation: foreign(act.call.conversation) } }
        : act;
    default:
      return act;
  }
}

/** All acts of the users of both tenants, drawn from one seed. All connect first, in one turn. */
export function drawScript(chance: Chance, seed: number, stepsMax: number): Script {
  const all = slots.map((slot): Act => ({ type: "connect", slot, cursor: "none" }));
  const some = all.filter(({ slot }) => slot.device === "d1" || chance.hits(0.3));
  // A user that acme only mentions was online at the rival alone.
  const slot = { user: "erin", device: "d1" };
  const erin: readonly Act[] = [{ type: "connect", slot, cursor: "none" }];
  const gone: readonly Act[] = [{ type: "hang up", slot, all: true }];
  const registered = (): readonly Act[] =>
    slots
      .filter(() => chance.hits(0.4))
      .map((slot) => ({ type: "call", slot, call: { what: "device", push: drawPush(chance, slot), notify: null } }));
  const [own, others] = [registered(), registered()];
  const steps = Array.from({ length: stepsMax }, (_, i): Step => {
    const acme = i === 0 ? [...some, ...own] : drawActs(chance);
    // Often both tenants do the same, or part of it, in one turn: both are in one commit then, under the same names.
    const copied = chance.hits(0.6) ? acme.filter(() => chance.hits(0.7)).map((act) => mirrored(chance, act)) : [];
    const more = [...(i === 1 ? gone : []), ...copied, ...drawActs(chance).slice(0, 2)];
    const rival = i === 0 ? [...all, ...erin, ...others] : more;
    return {
      acts: { acme, rival },
      first: chance.pick(tenants),
      waitMs: chance.pick([0, 0, 0, 0, settledMs, settledMs, minuteMs]),
    };
  });
  return { seed, steps };
}

/** Few, so that both tenants do the same things to the same devices. */
const sleepers: readonly Slot[] = [
  { user: "alice", device: "d1" },
  { user: "alice", device: "d2" },
  { user: "bob", device: "d1" },
];
const talk: Conversation = { of: "own", k: 0 };

function drawPushAct(chance: Chance, id: number): readonly Act[] {
  const slot = chance.pick(sleepers);
  const to = slot.user === "alice" ? "bob" : "alice";
  const kind = chance.between(0, 19);
  if (kind < 7) return [asCall({ type: "send", slot, id, target: { to }, text: chance.pick(["one", "two"]) })];
  if (kind < 9) return [{ type: "store read", slot, conversation: talk, seq: chance.pick([2, 5, 100]) }];
  if (kind === 9) return [{ type: "connect", slot, cursor: "newest" }];
  if (kind === 10) return [{ type: "hang up", slot, all: true }];
  const call = drawPushCall(chance, slot);
  const own: Call = "conversation" in call && chance.hits(0.8) ? { ...call, conversation: talk } : call;
  return followed(chance, own).map((one) => ({ type: "call", slot, call: one }));
}

/** A user who is away can send too. */
const asCall = ({ slot, id, target, text }: Extract<Act, { type: "send" }>): Act => ({
  ...{ type: "call", slot },
  call: { what: "send", id, target, text },
});

/** Two users of each tenant who are mostly away, and the notifications that they get. */
export function drawPushScript(chance: Chance, seed: number, stepsMax: number): Script {
  const begin = (): readonly Act[] =>
    sleepers.flatMap((slot): readonly Act[] => {
      const call: Call = { what: "device", push: drawPush(chance, slot), notify: null };
      return chance.hits(0.7) ? [{ type: "call", slot, call }] : [];
    });
  const steps = Array.from({ length: stepsMax }, (_, i): Step => {
    const draw = (most: number): readonly Act[] =>
      Array.from({ length: chance.between(0, most) }, (_, k) =>
        drawPushAct(chance, chance.hits(0.7) ? 4 * i + k : k),
      ).flat();
    const acme = i === 0 ? begin() : draw(3);
    const copied = acme.filter(() => chance.hits(0.3));
    const rival = i === 0 ? begin() : [...copied, ...draw(3)];
    const waitMs = chance.pick([0, 0, settledMs, settledMs, settledMs, minuteMs]);
    return { acts: { acme, rival }, first: chance.pick(tenants), waitMs };
  });
  return { seed, steps };
}
