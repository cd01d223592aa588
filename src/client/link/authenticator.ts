import type { CredentialRequest, Credentials } from "../api.ts";
import type { Effect } from "./state.ts";

export type Authenticate = (request: CredentialRequest) => Promise<Credentials | null>;

export type AuthenticatorOptions = {
  /** Absent: cookies prove the user. */
  readonly authenticate: Authenticate | undefined;
  readonly onFault: (fault: unknown) => void;
  /** The answer to a request that was not ended before. */
  readonly onAnswer: (generation: number, answer: Credentials | null | "fault") => void;
};

export type Authenticator = {
  request(effect: Extract<Effect, { type: "get-credentials" }>): void;
  /** Ends the request that is under way, unless it is this one. */
  endOthers(generation: number): void;
};

/** Asks the app for credentials. */
export function createAuthenticator({ authenticate, onFault, onAnswer }: AuthenticatorOptions): Authenticator {
  let asked = { generation: 0, controller: new AbortController() };
  return {
    request({ generation, reason, attempt }) {
      const controller = new AbortController();
      const { signal } = controller;
      asked = { generation, controller };
      const settle = (answer: Credentials | null | "fault"): void => {
        if (asked.generation !== generation) return;
        asked = { ...asked, generation: 0 };
        onAnswer(generation, answer);
      };
      const ask = async (): Promise<Credentials | null> =>
        authenticate === undefined ? {} : await authenticate({ reason, attempt, signal });
      ask().then(settle, (fault: unknown) => {
        settle("fault");
        onFault(fault);
      });
    },
    endOthers(generation) {
      if (asked.generation === 0 || asked.generation === generation) return;
      asked.controller.abort();
      asked = { ...asked, generation: 0 };
    },
  };
}
