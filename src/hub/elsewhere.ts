import { inTurns } from "./in-turns.ts";
import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey } from "../model.ts";

export type ElsewhereOptions = {
  readonly clock: Pick<Clock, "defer">;
  /** The watched user of this key; undefined: that user is not watched here. */
  readonly watched: (key: string) => Identity | undefined;
  /** A watched user has come to the first other node, or left the last one. */
  readonly onPresence: (identity: Identity) => void;
};

/** The other nodes on which the users are who are watched here. */
export function createElsewhere({ clock, watched, onPresence }: ElsewhereOptions) {
  const nodesOf = new Map<string, Set<string>>();
  const usersOn = new Map<string, Set<string>>();

  function forgetOn(node: string, key: string): void {
    const users = usersOn.get(node);
    users?.delete(key);
    if (users?.size === 0) usersOn.delete(node);
  }

  function set(identity: Identity, node: string, isThere: boolean): void {
    const key = identityKey(identity);
    if (!watched(key)) return;
    const nodes = nodesOf.get(key) ?? new Set();
    const was = nodes.size > 0;
    if (isThere) {
      nodes.add(node);
      usersOn.set(node, (usersOn.get(node) ?? new Set()).add(key));
    } else {
      nodes.delete(node);
      forgetOn(node, key);
    }
    if (nodes.size > 0) nodesOf.set(key, nodes);
    else nodesOf.delete(key);
    if (was !== nodes.size > 0) onPresence(identity);
  }

  return {
    has: (identity: Identity): boolean => nodesOf.has(identityKey(identity)),
    nodesOf: (identity: Identity): Iterable<string> => nodesOf.get(identityKey(identity)) ?? [],
    /** A user is on this node, or is not any more. */
    set,
    /** The node is gone, and its users with it, unless it is back meanwhile and said so. */
    lose(node: string): void {
      const gone = [...(usersOn.get(node) ?? [])];
      usersOn.delete(node);
      const each = (key: string): void => {
        const identity = watched(key);
        if (identity && usersOn.get(node)?.has(key) !== true) set(identity, node, false);
      };
      void inTurns(gone, { clock, each });
    },
    /** A user is no longer watched here. */
    forget(key: string): void {
      for (const node of nodesOf.get(key) ?? []) forgetOn(node, key);
      nodesOf.delete(key);
    },
    clear(): void {
      nodesOf.clear();
      usersOn.clear();
    },
    size: (): number => nodesOf.size,
  };
}
