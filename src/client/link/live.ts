import type { Frame, Welcome } from "./contract.ts";
import { absent, type Live } from "./state.ts";
import {
  askForCredentials,
  connect,
  enter,
  mayUseSockets,
  strippedMax,
  transportOf,
  type Turn,
  waitForNext,
} from "./turn.ts";

const probeMsMax = 3_000;
const stableMs = 10_000;
const renewalMsMax = 10_000;
const renewalRetryMs = 30_000;
/** How long polling goes on before a socket is tried again. */
const upgradeMs = 600_000;
/** A server that names a shorter heartbeat would be asked without end. */
const heartbeatMsMin = 1_000;

/** The first frame. Another user's, or another tenant's, ends the connection before anything is passed on. */
export function greet(turn: Turn, { welcome, proof }: { readonly welcome: Welcome; readonly proof: number }): void {
  if (!isExpected(turn, welcome)) return;
  const transport = transportOf(turn);
  const heartbeatMs = Math.max(heartbeatMsMin, welcome.heartbeatMs);
  const isSocket = transport === "socket";
  const phase: Live = {
    ...{ type: "live", transport, isCaughtUp: false, heartbeatMs, proof, probe: null, renewal: null },
    // Each answer of polling shows that the connection is alive.
    pingAt: isSocket ? turn.at + heartbeatMs : Infinity,
    stableAt: Infinity,
    upgradeAt: isSocket || !mayUseSockets(turn) ? Infinity : turn.at + upgradeMs,
  };
  // Whatever the device says, the network works.
  turn.phase = phase;
  turn.isOffline = false;
  if (isSocket) turn.stripped = 0;
  turn.effects.push({ type: "welcome", welcome });
}

function isExpected(turn: Turn, welcome: Welcome): boolean {
  const { user, tenant } = turn.identity;
  // A server of an older release does not name the tenant.
  const named = "tenant" in welcome ? welcome.tenant : tenant;
  if (welcome.user === user && named === tenant) return true;
  enter(turn, { type: "unauthenticated", reason: "identity" });
  return false;
}

export function receive(turn: Turn, { frame, phase }: { readonly frame: Frame; readonly phase: Live }): void {
  const { probe, renewal, heartbeatMs, transport } = phase;
  const isAnswered = frame.type === "pong" && frame.id === probe?.id;
  const next = {
    ...phase,
    // Any frame shows that bytes still come; the answer may be behind many.
    probe: probe === null || isAnswered ? null : { ...probe, until: turn.at + probeMsMax },
    ...(isAnswered && transport === "socket" && { pingAt: turn.at + heartbeatMs }),
  };
  if (probe !== null) turn.phase = next;
  if (frame.type === "pong") return;
  if (frame.type === "welcome") return void isExpected(turn, frame);
  if (renewal !== null && "id" in frame && frame.id === renewal.id) {
    if (frame.type === "authenticated") turn.phase = { ...next, proof: renewal.proof, renewal: null };
    if (frame.type === "error") return renewalRefused(turn, frame.code, next);
  }
  if (frame.type !== "authenticated") turn.effects.push({ type: "frame", frame });
}

function renewalRefused(turn: Turn, code: string, phase: Live): void {
  // The next handshake gives the reason.
  if (code !== "unavailable" && code !== "internal") return connect(turn);
  turn.phase = { ...phase, renewal: null };
  turn.credentials = absent("expired", { retryAt: turn.at + renewalRetryMs });
}

/** Shows whether the connection is alive. One ping at a time. */
export function probe(turn: Turn, phase: Live): void {
  if (phase.probe !== null) return;
  const id = String(++turn.generation);
  turn.phase = { ...phase, probe: { id, until: turn.at + probeMsMax } };
  turn.effects.push({ type: "ping", id });
}

/** Continues the session of an open connection with the credentials that just came. */
export function renew(turn: Turn, phase: Live): void {
  const { credentials } = turn;
  if (credentials.type !== "held") return;
  const { generation: proof, isToken } = credentials;
  if (phase.transport === "polling") turn.phase = { ...phase, proof };
  else if (!isToken) connect(turn);
  else {
    const id = String(++turn.generation);
    turn.phase = { ...phase, renewal: { id, proof, until: turn.at + renewalMsMax } };
    turn.effects.push({ type: "authenticate", id });
  }
}

/** Tries a socket in place of polling: one more failure, and polling goes on. */
export function upgrade(turn: Turn): void {
  turn.stripped = strippedMax - 1;
  connect(turn);
}

export function tickLive(turn: Turn, { lateMs, phase }: { readonly lateMs: number; readonly phase: Live }): void {
  const { at } = turn;
  const { credentials } = turn;
  const { heartbeatMs, pingAt, renewal, stableAt, upgradeAt } = phase;
  const isLate = lateMs > heartbeatMs;
  if (renewal !== null && at >= renewal.until) return connect(turn);
  if (at >= upgradeAt) return upgrade(turn);
  if (credentials.type === "absent" && at >= credentials.retryAt) askForCredentials(turn);
  const next = at >= stableAt ? { ...phase, stableAt: Infinity } : phase;
  if (at >= stableAt) {
    turn.phase = next;
    turn.failures = turn.refusals = 0;
    if (credentials.type === "held" && credentials.generation === phase.proof)
      turn.credentials = { ...credentials, isProven: true };
  }
  if (phase.probe === null) {
    // The device slept: the connection may be dead.
    if (isLate || at >= pingAt) probe(turn, next);
  } else if (at >= phase.probe.until) {
    // The answer may wait in the socket, unread.
    if (isLate) turn.phase = { ...next, probe: { ...phase.probe, until: at + probeMsMax } };
    else lost(turn);
  }
}

/** The next connection comes at once, unless this one followed a failure: a server that is too busy to answer gets time. */
function lost(turn: Turn): void {
  if (turn.failures > 0) return waitForNext(turn, { reason: "network" });
  turn.failures = turn.isOffline ? 0 : 1;
  connect(turn);
}

export function caughtUp(turn: Turn, phase: Live): void {
  if (!phase.isCaughtUp) turn.phase = { ...phase, isCaughtUp: true, stableAt: turn.at + stableMs };
}
