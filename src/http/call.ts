import type * as v from "valibot";
import type { ErrorCode } from "../error.ts";
import type { Session } from "../model.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import type { Hub } from "../hub/hub.ts";
import type { Policy } from "../access/policy.ts";
import type { Limits } from "../protocol/limits.ts";
import type { PushProvider } from "../push/provider.ts";
import type { Store } from "../store/store.ts";

/** One request of somebody who has proved who they are, at one route. */
export type Call = {
  readonly request: Request;
  readonly session: Session;
  /** When the host began to be asked who it is, by the server's steady clock in milliseconds. */
  readonly askedAt: number;
  readonly store: Store;
  readonly policy: Policy;
  /** Makes a connection of the request, for as long as it waits. */
  readonly connect: Hub["connect"];
  readonly push: {
    readonly providers: readonly PushProvider[];
    /** Default: one (see `ChatOptions`). */
    readonly accountsPerDevice?: "one" | "several" | undefined;
  };
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** A ticket, out of a secret: where each tenant has a database, it says whose. */
  readonly ticketOf: (secret: string, tenant: string) => string;
  /** How many milliseconds the asker must wait before one more message of so many characters; 0: not at all. */
  readonly retryAfterMs: (chars: number) => number;
  /** Takes what the request has cost beyond what its route says. */
  readonly spend: (units: number) => void;
  /** Proves the session again, for what must not outlive a revocation; the refusal where it no longer holds. */
  readonly proveAgain: () => Promise<Session | Response>;
  /** What stands in the route's path, as it was sent. */
  readonly id: string;
};

/** What a route takes and answers, for the documents that are generated. */
export type RouteMeta = {
  readonly summary: string;
  /** What may stand in the address behind the path. */
  readonly parameters?: (limits: Limits) => v.GenericSchema;
  readonly body?: (limits: Limits) => v.GenericSchema;
  /** Whether it may come without a body. */
  readonly isBodyOptional?: boolean;
  /** By status; null: without a body. */
  readonly answers: Readonly<Record<number, v.GenericSchema | null>>;
  /** Codes of refusals beside those that every route may answer. */
  readonly codes: readonly ErrorCode[];
};

export type Route = {
  readonly meta: RouteMeta;
  /** What it costs beside what every request does, in units of work: it waits for its turn with that. */
  readonly units?: number;
  /** Refusals are thrown as ChatErrors. */
  readonly handle: (call: Call) => Promise<Response>;
};

/** An answer in JSON: never stored, never sniffed. */
export const jsonResponse = (status: number, body: string | null): Response =>
  new Response(body, {
    status,
    headers: {
      ...(body !== null && { "Content-Type": "application/json" }),
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
