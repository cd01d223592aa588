import type { Clock } from "../internal/clock.ts";
import { createSemaphore, type Semaphore } from "../internal/semaphore.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Identity, Mentions, Role } from "../model.ts";
import type { Store } from "../store/store.ts";

/** An act of a user: write to another one or into a group, show that they type, keep somebody as a contact, or change a group. */
export type Action = "send" | "typing" | "contact" | GroupAction;

/** An act of a user on a group. Leaving is always allowed. */
export type GroupAction =
  "group.create" | "group.update" | "group.add" | "group.remove" | "group.role" | "group.join" | "group.invite";

/**
 * What an act is about: another user, or a group; of a group the `user` is empty, so that a rule that knows users alone refuses it.
 */
export type ActionTarget = Identity & { readonly group?: GroupTarget };

/** A group and the role of the user in it. Absent: the group is about to be made, or the user is not a member. */
export type GroupTarget = { readonly conversation?: string; readonly role?: Role };

/** May a user do this to another one? Any answer but `true` refuses; a throw, or no answer in time, is `unavailable`. */
export type Authorize = (action: Action, identity: Identity, target: ActionTarget) => boolean | Promise<boolean>;

/** May the viewer see whether the subject is online? Where one has blocked the other it is not called. */
export type CanSee = (viewer: Identity, subject: Identity) => boolean | Promise<boolean>;

export type Verdict = "allowed" | "forbidden" | "unavailable";

/** The other user of an action, by name or as the other member of a conversation; and the mentions of a message. */
export type Target = {
  readonly to?: string | undefined;
  readonly conversation?: string | undefined;
  readonly mentions?: Mentions | undefined;
};

export type PolicyOptions = {
  readonly authorize?: Authorize | undefined;
  readonly canSee?: CanSee | undefined;
  readonly store: Pick<Store, "members"> & { readonly groups: Pick<Store["groups"], "view"> };
  readonly clock: Clock;
  /** How long the host may take to answer. */
  readonly answerMs: number;
  /** Bounds the concurrent calls of `canSee`, over all policies that share it. Default: its own. */
  readonly sight?: Semaphore | undefined;
  readonly report: (fault: unknown) => void;
};

/** Concurrent calls of `canSee`: thousands may watch a user that comes or goes, and the host has to ask a database of its own. */
const sightsAtOnce = 64;

export const createSightSemaphore = (): Semaphore => createSemaphore(sightsAtOnce);

/** The host's rules. A rule that fails refuses. */
export type Policy = {
  /**
   * Whether a user may do something; at once where the host answers at once. A user who is not in the conversation is allowed here,
   * because the next step answers `not_found`.
   */
  decide(action: Action, identity: Identity, target: Target): Verdict | Promise<Verdict>;
  /** Whether a user may do something to a group. */
  decideGroup(action: GroupAction, identity: Identity, group: GroupTarget): Verdict | Promise<Verdict>;
  /** Whether the host lets the viewer see the subject; absent where it has no such rule. */
  readonly canSee?: ((viewer: Identity, subject: Identity) => Promise<boolean>) | undefined;
};

export function createPolicy(options: PolicyOptions): Policy {
  const { authorize, canSee, store, clock, answerMs, report, sight = createSightSemaphore() } = options;
  const inTime = (answer: Promise<boolean>): Promise<boolean> =>
    withDeadline(answer, { clock, ms: answerMs, who: "The host's rule" });

  const verdictOf = (answer: boolean): Verdict => (answer === true ? "allowed" : "forbidden");

  function failed(fault: unknown): Verdict {
    report(fault);
    return "unavailable";
  }

  function ask(
    rule: Authorize,
    action: Action,
    { identity, user = "", group }: { identity: Identity; user?: string; group?: GroupTarget },
  ): Verdict | Promise<Verdict> {
    try {
      // Copies: the host must not change ours.
      const { tenant, user: asker } = identity;
      const answer = rule(action, { tenant, user: asker }, { tenant, user, ...(group && { group: { ...group } }) });
      return typeof answer === "boolean" ? verdictOf(answer) : inTime(answer).then(verdictOf, failed);
    } catch (fault) {
      return failed(fault);
    }
  }

  function decide(action: Action, identity: Identity, { to, conversation }: Target): Verdict | Promise<Verdict> {
    if (!authorize) return "allowed";
    if (to !== undefined) return ask(authorize, action, { identity, user: to });
    return store
      .members(identity.tenant, conversation ?? "")
      .then(async (members) => {
        if (members === null) {
          const view = await store.groups.view(identity, conversation ?? "");
          if (view?.role === undefined) return "allowed";
          return await ask(authorize, action, {
            identity,
            group: { conversation: conversation ?? "", role: view.role },
          });
        }
        if (!members.includes(identity.user)) return "allowed";
        // Where there is no other one, it is the user's conversation with themselves.
        const other = members.find((member) => member !== identity.user) ?? identity.user;
        return await ask(authorize, action, { identity, user: other });
      })
      .catch(
        // The store reports its own failures.
        () => "unavailable" as const,
      );
  }

  return {
    decide(action, identity, target) {
      if (target.mentions !== "all") return decide(action, identity, target);
      // Only admins and owners call all members. The store refuses those who are none.
      return store.groups.view(identity, target.conversation ?? "").then(
        (view) => (view?.role === "member" ? "forbidden" : decide(action, identity, target)),
        () => "unavailable" as const,
      );
    },

    decideGroup: (action, identity, group) => (authorize ? ask(authorize, action, { identity, group }) : "allowed"),

    canSee:
      canSee &&
      (async (viewer, subject) => {
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
