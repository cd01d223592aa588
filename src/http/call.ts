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

/** One authenticated request at one route. */
export type Call = {
  readonly request: Request;
  readonly session: Session;
  /** When `authenticate` was called, by the server's steady clock in milliseconds. */
  readonly askedAt: number;
  readonly store: Store;
  readonly policy: Policy;
  /** Makes the request a connection while it waits. */
  readonly connect: Hub["connect"];
  readonly push: {
    readonly providers: readonly PushProvider[];
    /** Default: one (see `ChatOptions`). */
    readonly accountsPerDevice?: "one" | "several" | undefined;
  };
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** Makes a ticket of a secret: where each tenant has a database, the ticket names the tenant. */
  readonly ticketOf: (secret: string, tenant: string) => string;
  /** How many milliseconds the asker must wait before one more message of this length; 0: not at all. */
  readonly retryAfterMs: (chars: number) => number;
  /** Takes the cost of the request beyond the fixed one of its route. */
  readonly spend: (units: number) => void;
  /** Proves the session again, where a result must not outlive a revocation; else the refusal. */
  readonly proveAgain: () => Promise<Session | Response>;
  /** The parameters in the route's path, as they were sent. */
  readonly id: string;
  readonly second: string;
};

/** The parameters and answers of a route, for the generated documents. */
export type RouteMeta = {
  readonly summary: string;
  /** The query parameters. */
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
  /** It is refused as an upgrade of its user would be, and costs as much. */
  readonly isAdmission?: true;
  /** Its cost beyond the one of every request, in units: it waits for a turn with room for them. */
  readonly units?: number;
  /** Without a response the answer is 204. Refusals are thrown as ChatErrors. */
  readonly handle: (call: Call) => Promise<Response | void>;
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
