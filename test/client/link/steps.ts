import type { Welcome } from "../../../src/client/link/contract.ts";
import { deadlineOf, type Effect, initialState, type LinkEvent, type State } from "../../../src/client/link/state.ts";
import { step } from "../../../src/client/link/step.ts";

export const welcomeOf = (fields: Partial<Welcome> & { readonly tenant?: string } = {}): Welcome =>
  ({
    ...{
      type: "welcome",
      protocol: 1,
      level: 1,
      user: "alice",
      device: "d1",
      cursor: "c0",
      time: 1,
      heartbeatMs: 25_000,
    },
    limits: { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 },
    ...fields,
  }) as Welcome;

export const isOffline = false;
export const idle = initialState({
  identity: { user: "alice", tenant: "default" },
  isOffline,
  sleepAt: Infinity,
  stripped: 0,
});

/** A link without its driver: a test is the clock, and whatever the effects lead to. */
export function pureLink(first: State = idle) {
  let state = first;
  let effects: readonly Effect[] = [];
  const all: Effect[] = [];
  const link = {
    at: 0,
    chance: 0,
    state: (): State => state,
    phase: () => state.phase,
    /** The effects of the last step. */
    effects: (): readonly Effect[] => effects,
    /** All effects from the beginning on. */
    all,
    types: () => effects.map(({ type }) => type),
    take(event: LinkEvent): void {
      ({ state, effects } = step(state, { event, at: link.at, chance: link.chance }));
      all.push(...effects);
    },
    /** The step of the next timer, which fires on time or late. */
    tick(lateMs = 0): void {
      link.at = Math.max(link.at, deadlineOf(state) + lateMs);
      link.take({ type: "tick", lateMs });
    },
    /** All timers of this time. */
    pass(ms: number): void {
      const end = link.at + ms;
      for (let left = 100; left > 0 && deadlineOf(state) <= end; left--) link.tick();
      link.at = end;
    },
    credentials(got: "none" | "fault" | { isToken?: boolean; lastMs?: number } = {}): void {
      const { credentials } = state;
      const generation = credentials.type === "asking" ? credentials.generation : -1;
      const terms = typeof got === "string" ? got : { isToken: true, lastMs: Infinity, ...got };
      link.take({ type: "credentials", generation, got: terms });
    },
    position(): void {
      const position = { device: "d1", cursor: null, level: 1 };
      link.take({ type: "position", generation: state.connection, position });
    },
    frame(frame: object): void {
      link.take({ type: "frame", generation: state.connection, frame: frame as Welcome });
    },
    /** The answer to the ping that is not answered yet. */
    pong(): void {
      const { phase } = state;
      if (phase.type === "live" && phase.probe !== null) link.frame({ type: "pong", id: phase.probe.id });
    },
    drop(code: number, reason = ""): void {
      link.take({ type: "dropped", generation: state.connection, code, reason });
    },
    fail(status: number, fields: { code?: string; retryAfterMs?: number } = {}): void {
      const failed = { ok: false, status, code: "x", message: "it says why", retry: true, ...fields } as const;
      const type = state.phase.type === "connecting" && state.phase.at === "reason" ? "explained" : "failed";
      link.take({ type, generation: state.connection, failure: failed });
    },
    explain: (): void => link.take({ type: "explained", generation: state.connection, failure: null }),
    /** From any state that may connect to a socket that opens. */
    toGreeting(): void {
      if (state.phase.type === "idle") link.take({ type: "start" });
      if (state.credentials.type === "asking") link.credentials();
      link.position();
    },
    toLive(): void {
      link.toGreeting();
      link.frame(welcomeOf());
    },
    toOnline(): void {
      link.toLive();
      link.take({ type: "caught-up" });
    },
  };
  return link;
}

export type PureLink = ReturnType<typeof pureLink>;
