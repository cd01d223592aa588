import type { Clock } from "../../internal/clock.ts";
import type { CredentialRequest, Credentials } from "../api.ts";
import type { Effect, LinkEvent } from "./state.ts";

export type Authenticate = (request: CredentialRequest) => Promise<Credentials | null>;

export type AuthenticatorOptions = {
  readonly clock: Clock;
  /** Absent: cookies prove the user. */
  readonly authenticate: Authenticate | undefined;
  readonly dispatch: (event: LinkEvent) => void;
  readonly onFault: (fault: unknown) => void;
};

export type Authenticator = {
  /** The newest credentials; before any have come, none. */
  content(): Credentials;
  request(effect: Extract<Effect, { type: "get-credentials" }>): void;
  /** Ends the request that is under way, unless it is this one. */
  endOthers(generation: number): void;
};

/** Asks the app for credentials, and keeps them. */
export function createAuthenticator({ clock, authenticate, dispatch, onFault }: AuthenticatorOptions): Authenticator {
  let content: Credentials = {};
  let asked: { readonly generation: number; readonly controller: AbortController } | null = null;

  function settle(generation: number, answer: Credentials | null | "fault"): void {
    if (asked?.generation !== generation) return;
    asked = null;
    if (answer === null) return dispatch({ type: "credentials", generation, got: "none" });
    if (answer === "fault") return dispatch({ type: "credentials", generation, got: answer });
    content = answer;
    const { token, expiresAt = Infinity } = answer;
    const got = { isToken: token !== undefined, lastMs: expiresAt - clock.now() };
    dispatch({ type: "credentials", generation, got });
  }

  return {
    content: () => content,
    request({ generation, reason, attempt }) {
      const controller = new AbortController();
      asked = { generation, controller };
      const ask = async (): Promise<Credentials | null> =>
        authenticate === undefined ? {} : await authenticate({ reason, attempt, signal: controller.signal });
      ask().then(
        // In JavaScript an app may return nothing.
        (answer: Credentials | null | undefined) => settle(generation, answer ?? null),
        (fault: unknown) => {
          settle(generation, "fault");
          onFault(fault);
        },
      );
    },
    endOthers(generation) {
      if (asked === null || asked.generation === generation) return;
      asked.controller.abort();
      asked = null;
    },
  };
}
