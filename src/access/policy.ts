import type { Clock } from "../internal/clock.ts";
import { createSemaphore, type Semaphore } from "../internal/semaphore.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Identity } from "../model.ts";
import type { Store } from "../store/store.ts";

/** What somebody wants to do to another one: write to them, show them that one is writing, or keep them as a contact. */
export type Action = "send" | "typing" | "contact";

/** May this user do this to that one? Whatever it answers but `true` refuses; a throw, or no answer in time, is `unavailable`. */
export type Authorize = (action: Action, identity: Identity, target: Identity) => boolean | Promise<boolean>;

/** May the viewer see whether the subject is here? A block between them refuses before it is asked. */
export type CanSee = (viewer: Identity, subject: Identity) => boolean | Promise<boolean>;

export type Verdict = "allowed" | "forbidden" | "unavailable";

/** Whom an action is for: a user, or whoever else is in a conversation. */
export type Target = { readonly to?: string | undefined; readonly conversation?: string | undefined };

export type PolicyOptions = {
  readonly authorize?: Authorize | undefined;
  readonly canSee?: CanSee | undefined;
  readonly store: Pick<Store, "members">;
  readonly clock: Clock;
  /** How long the host may think. */
  readonly answerMs: number;
  /** Lets some questions of `canSee` be asked at a time, of all who share it. Default: one of its own. */
  readonly sight?: Semaphore | undefined;
  readonly report: (fault: unknown) => void;
};

/** Questions of `canSee` at a time: one who comes or goes may be watched by thousands, and the host has to ask a database of its own. */
const sightsAtOnce = 64;

export const createSightGate = (): Semaphore => createSemaphore(sightsAtOnce);

/** The host's rules, asked so that no failure of theirs lets anybody through. */
export function createPolicy(options: PolicyOptions) {
  const { authorize, canSee, store, clock, answerMs, report, sight = createSightGate() } = options;
  const inTime = (answer: Promise<boolean>): Promise<boolean> =>
    withDeadline(answer, { clock, ms: answerMs, who: "The host's rule" });

  const verdictOf = (answer: boolean): Verdict => (answer === true ? "allowed" : "forbidden");

  function failed(fault: unknown): Verdict {
    report(fault);
    return "unavailable";
  }

  function ask(rule: Authorize, action: Action, identity: Identity, user: string): Verdict | Promise<Verdict> {
    try {
      // Neither of the two is ours to be changed by the host.
      const { tenant, user: asker } = identity;
      const answer = rule(action, { tenant, user: asker }, { tenant, user });
      return typeof answer === "boolean" ? verdictOf(answer) : inTime(answer).then(verdictOf, failed);
    } catch (fault) {
      return failed(fault);
    }
  }

  return {
    /**
     * Whether somebody may do something; at once where the host answers at once. Who is not in the conversation is allowed here,
     * for what is asked of it next says `not_found`.
     */
    decide(action: Action, identity: Identity, { to, conversation }: Target): Verdict | Promise<Verdict> {
      if (!authorize) return "allowed";
      if (to !== undefined) return ask(authorize, action, identity, to);
      return store.members(identity.tenant, conversation ?? "").then(
        (members) => {
          const other = members?.find((member) => member !== identity.user);
          if (other === undefined || !members?.includes(identity.user)) return "allowed";
          return ask(authorize, action, identity, other);
        },
        // The store reports its own failures.
        () => "unavailable" as const,
      );
    },

    /** Whether the host lets the viewer see the subject; absent where it has no rule of its own. */
    canSee:
      canSee &&
      (async (viewer: Identity, subject: Identity): Promise<boolean> => {
        try {
          return await sight(async () => {
            const answer = canSee({ ...viewer }, { ...subject });
            return (typeof answer === "boolean" ? answer : await inTime(answer)) === true;
          });
        } catch (fault) {
          report(fault);
          return false;
        }
      }),
  };
}

export type Policy = ReturnType<typeof createPolicy>;
