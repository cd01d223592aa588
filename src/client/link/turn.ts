import type { WaitReason } from "../api.ts";
import type { Failure } from "./contract.ts";
import { absent, type Effect, type Phase, type State, type Transport } from "./state.ts";

/** One step under way: the state so far, which it changes, and the effects in their order. It is never seen outside of `step`. */
export type Turn = { -readonly [Name in keyof State]: State[Name] } & {
  readonly at: number;
  readonly chance: number;
  readonly effects: Effect[];
};

/** How long a hidden page stays connected. */
export const hiddenMsMax = 60_000;
const credentialsMsMax = 30_000;
export const greetingMsMax = 10_000;
const offlineProbeMs = 30_000;
const waitMsMax = 3_600_000;
const backoffMs = { min: 400, max: 30_000 } as const;
/** Fresh credentials that are refused in a row. */
const refusalsMax = 3;
/** A proxy may drop a single handshake. */
export const strippedMax = 2;

/** Ends the connection, if there is one, and goes on in this phase. */
export function enter(turn: Turn, phase: Phase): void {
  if (turn.connection > 0) turn.effects.push({ type: "close" });
  if (turn.phase.type === "live") turn.effects.push({ type: "down" });
  turn.phase = phase;
  turn.connection = 0;
}

/** Begins a try, which ends the connection before it. */
export function connect(turn: Turn): void {
  const { credentials } = turn;
  if (credentials.type === "held") return getPosition(turn, credentials.generation);
  // The request for credentials has a time limit of its own.
  enter(turn, { type: "connecting", at: "credentials", until: Infinity, proof: 0 });
  askForCredentials(turn);
}

export function getPosition(turn: Turn, proof: number): void {
  enter(turn, { type: "connecting", at: "position", until: turn.at + greetingMsMax, proof });
  turn.connection = ++turn.generation;
  turn.effects.push({ type: "get-position", generation: turn.connection });
}

/** At most one request for credentials is under way, for the connection and for HTTP together. */
export function askForCredentials(turn: Turn): void {
  const { credentials } = turn;
  if (credentials.type !== "absent") return;
  const { reason, attempt } = credentials;
  const generation = ++turn.generation;
  turn.credentials = { type: "asking", generation, reason, attempt, until: turn.at + credentialsMsMax };
  turn.effects.push({ type: "get-credentials", generation, reason, attempt });
}

/** These credentials were refused. Those that came since are not touched. */
export function refuse(turn: Turn, generation: number): void {
  const { credentials, phase } = turn;
  if (credentials.type !== "held" || credentials.generation !== generation) return;
  turn.refusals = credentials.isProven ? 0 : turn.refusals + 1;
  turn.credentials = credentials.isProven ? absent("expired") : absent("refused", { attempt: turn.refusals });
  if (turn.refusals >= refusalsMax && phase.type !== "idle" && phase.type !== "ended")
    enter(turn, { type: "unauthenticated", reason: "refused" });
}

/** The server refused the credentials that this try used: gets fresh ones, unless too many were refused. */
export function reconnectRefused(turn: Turn, proof: number): void {
  refuse(turn, proof);
  if (turn.phase.type !== "unauthenticated") connect(turn);
}

/** Full jitter from 0.4 s on, doubled with each failure. */
export const backoff = (failures: number, chance: number): number =>
  backoffMs.min + chance * (Math.min(backoffMs.max, 2 * backoffMs.min * 2 ** failures) - backoffMs.min);

/** `retryAfterMs`: as the server asks. */
type Wait = { readonly reason: WaitReason; readonly retryAfterMs?: number | undefined };

/** This try, or this connection, has failed: the next one comes later. */
export function waitForNext(turn: Turn, { reason, retryAfterMs }: Wait): void {
  const { at, chance } = turn;
  if (turn.isOffline && retryAfterMs === undefined) return waitOffline(turn);
  const named = retryAfterMs === undefined ? null : Math.min(retryAfterMs, waitMsMax) * (1 + chance / 2);
  enter(turn, { type: "waiting", until: at + (named ?? backoff(turn.failures, chance)), reason });
  turn.failures++;
}

/** Without a network, as the device says: it may be wrong, so a slow try goes on. */
export function waitOffline(turn: Turn): void {
  enter(turn, { type: "waiting", until: turn.at + offlineProbeMs, reason: "offline" });
}

/** HTTP failed for this try, or gave the reason why a handshake did. */
export function failWith(turn: Turn, { status, code, message, retryAfterMs }: Failure): void {
  const { phase } = turn;
  if (status === 401 && "proof" in phase) reconnectRefused(turn, phase.proof);
  else if (status === 403 && code === "forbidden") enter(turn, { type: "ended", code, reason: message });
  else waitForNext(turn, { reason: reasonOf(status, code), retryAfterMs });
}

function reasonOf(status: number, code: string): WaitReason {
  // No chat is here, by any answer.
  if (code === "foreign" || status === 404) return "foreign";
  if (status === 429) return code === "rate_limited" ? "rate" : "busy";
  return status < 400 ? "network" : "server";
}

export const transportOf = ({ stripped }: State): Transport => (stripped < strippedMax ? "socket" : "polling");

/** False where the app wants HTTP alone: `stripped` is infinite from the start. */
export const mayUseSockets = ({ stripped }: State): boolean => stripped < Infinity;
