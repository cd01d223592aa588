import type { Occasion } from "../environment.ts";
import type { CredentialRequest, WaitReason } from "../api.ts";
import type { Failure, Frame, Position, Welcome } from "./contract.ts";

/** `polling`: HTTP alone, where WebSockets are blocked. */
export type Transport = "socket" | "polling";

/** All moments are milliseconds of `clock.elapsed()`; `Infinity`: never. */
export type Phase =
  | { readonly type: "idle" | "asleep" | "closed" }
  /** One try. It has failed when it has not come further at `until`. `reason`: the handshake failed, and HTTP is asked why. */
  | {
      readonly type: "connecting";
      readonly at: "credentials" | "position" | "greeting" | "reason";
      readonly until: number;
      /** The generation of the credentials that the connection was opened with. */
      readonly proof: number;
    }
  | Live
  | { readonly type: "waiting"; readonly until: number; readonly reason: WaitReason }
  | { readonly type: "unauthenticated"; readonly reason: "signed-out" | "refused" | "identity" }
  | { readonly type: "ended"; readonly code: string; readonly reason: string };

/** A connection that was welcomed. */
export type Live = {
  readonly type: "live";
  readonly transport: Transport;
  readonly isCaughtUp: boolean;
  readonly heartbeatMs: number;
  readonly proof: number;
  /** When the next ping is due. */
  readonly pingAt: number;
  /** A ping that is not answered yet, by its id; `until`: when the connection counts as dead, moved by each frame. */
  readonly probe: { readonly id: string; readonly until: number } | null;
  /** Fresh credentials are sent, and not answered yet. */
  readonly renewal: { readonly id: string; readonly proof: number; readonly until: number } | null;
  /** When the connection has lasted, so that the failures before it count no longer. */
  readonly stableAt: number;
  /** When a socket is tried again in place of polling. */
  readonly upgradeAt: number;
};

/** The credentials, without their content, which only the driver has. Each set has its own generation. */
export type CredentialState =
  /** `reason`, `attempt`: as `authenticate` is called next. `retryAt`: an open connection needs them then. */
  | {
      readonly type: "absent";
      readonly reason: CredentialRequest["reason"];
      readonly attempt: number;
      readonly retryAt: number;
    }
  | {
      readonly type: "asking";
      readonly generation: number;
      readonly reason: CredentialRequest["reason"];
      readonly attempt: number;
      readonly until: number;
    }
  /** `isProven`: a connection has lasted with them. */
  | {
      readonly type: "held";
      readonly generation: number;
      readonly isToken: boolean;
      readonly isProven: boolean;
      readonly renewAt: number;
    };

export type State = {
  /** The user and tenant that the greeting must name. */
  readonly identity: Identity;
  readonly phase: Phase;
  readonly credentials: CredentialState;
  /** Of the newest try, ping, renewal or request for credentials: it only grows, so that late answers are recognized. */
  readonly generation: number;
  /** Tries that failed in a row. */
  readonly failures: number;
  /** Fresh credentials that were refused in a row. */
  readonly refusals: number;
  /** Handshakes in a row that failed while HTTP worked; `Infinity`: HTTP alone is wanted. */
  readonly stripped: number;
  /** When a hidden page has been quiet for long enough; `Infinity`: it is visible. */
  readonly sleepAt: number;
  readonly isOffline: boolean;
  /** Of the connection that is open or opening; 0: none is. */
  readonly connection: number;
};

export type LinkEvent =
  | { readonly type: "start" | "stop" | "close" | "retry" | "reauthenticate" | "probe" | "caught-up" }
  /** An HTTP request was answered for another user. */
  | { readonly type: "stranger" }
  /** A person, or a message that waits, needs the link. */
  | { readonly type: "used" }
  | { readonly type: "reconnect"; readonly waitMs?: number }
  | { readonly type: "occasion"; readonly occasion: Occasion }
  /** The timer fired, this much after its time. */
  | { readonly type: "tick"; readonly lateMs: number }
  /** HTTP requests wait for credentials. */
  | { readonly type: "credentials-needed" }
  /** The answer of `authenticate`. `lastMs`: how long they are valid; `Infinity`: not known. */
  | {
      readonly type: "credentials";
      readonly generation: number;
      readonly got: "none" | "fault" | { readonly isToken: boolean; readonly lastMs: number };
    }
  /** An HTTP request with these credentials was answered 401. */
  | { readonly type: "refused"; readonly generation: number }
  | { readonly type: "position"; readonly generation: number; readonly position: Position | null }
  | { readonly type: "frame"; readonly generation: number; readonly frame: Frame }
  | { readonly type: "dropped"; readonly generation: number; readonly code: number; readonly reason: string }
  /** HTTP failed for the connection: its ticket, or its polling. */
  | { readonly type: "failed"; readonly generation: number; readonly failure: Failure }
  /** The answer to `ask-why`; null: HTTP works. */
  | { readonly type: "explained"; readonly generation: number; readonly failure: Failure | null };

export type Effect =
  | {
      readonly type: "get-credentials";
      readonly generation: number;
      readonly reason: CredentialRequest["reason"];
      readonly attempt: number;
    }
  | { readonly type: "get-position"; readonly generation: number }
  | { readonly type: "open"; readonly generation: number; readonly transport: Transport; readonly position: Position }
  /** Closes the connection that is open or opening. */
  | { readonly type: "close" }
  /** `GET /me`. */
  | { readonly type: "ask-why"; readonly generation: number }
  | { readonly type: "ping"; readonly id: string }
  /** The frame `authenticate`, with the token that is held. */
  | { readonly type: "authenticate"; readonly id: string }
  | { readonly type: "welcome"; readonly welcome: Welcome }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "down" };

export type Identity = { readonly user: string; readonly tenant: string };

/** An event with the present moment, and a number from 0 to 1 by chance. */
export type Input = { readonly event: LinkEvent; readonly at: number; readonly chance: number };

/** No credentials: how the app is asked for the next ones. */
export const absent = (
  reason: CredentialRequest["reason"],
  { attempt = 1, retryAt = Infinity } = {},
): CredentialState => ({ type: "absent", reason, attempt, retryAt });

/** The beginning: idle. */
export const initialState = (options: Pick<State, "identity" | "isOffline" | "sleepAt" | "stripped">): State => ({
  phase: { type: "idle" },
  credentials: absent("start"),
  generation: 0,
  failures: 0,
  refusals: 0,
  connection: 0,
  ...options,
});

/** True while the link wants a connection. */
export const isActive = ({ type }: Phase): boolean => type === "connecting" || type === "live" || type === "waiting";

/** When the state changes by itself. */
export function deadlineOf({ phase, credentials, sleepAt }: State): number {
  if (phase.type === "closed") return Infinity;
  const moments =
    credentials.type === "asking" ? [credentials.until] : credentials.type === "held" ? [credentials.renewAt] : [];
  if (isActive(phase)) moments.push(sleepAt);
  if (phase.type === "connecting" || phase.type === "waiting") moments.push(phase.until);
  if (phase.type === "live") {
    const { pingAt, probe, renewal, stableAt, upgradeAt } = phase;
    moments.push(probe?.until ?? pingAt, stableAt, upgradeAt, renewal?.until ?? Infinity);
    if (credentials.type === "absent") moments.push(credentials.retryAt);
  }
  return Math.min(...moments);
}
