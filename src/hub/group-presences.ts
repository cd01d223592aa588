import type { Connection } from "../connection/connection.ts";
import { group } from "../log/group.ts";
import { type Identity, identityKey, type LogEntry } from "../model.ts";
import type { Store } from "../store/store.ts";
import type { Here, Registry } from "./registry.ts";

/** The change numbers of a group that a member gets: above `joinedN`, and up to `untilN` if that is set. `n`: that of the membership. */
type Window = { readonly n: number; readonly joinedN: number; readonly untilN: number | null };

type Member = {
  readonly here: Here;
  /** By conversation. */
  readonly windows: Map<string, Window>;
};

/** The users of this node in their groups: members on other nodes, and those who are not connected, are not looked at. */
export interface GroupPresences {
  /**
   * A connection has opened. Until the groups of its user are known, it reads the log, which has all entries that are announced meanwhile. If they
   * cannot be read, the user's connections fail.
   */
  enter(connection: Pick<Connection, "session" | "level">, here: Here): void;
  /** The user's last connection has closed. */
  leave(identity: Identity): void;
  /** Notes the memberships among these entries; before they are sent. */
  note(entries: readonly LogEntry[], upTo: number): void;
  /** The users of this node who get entry `n` of a group. */
  each(conversation: string, n: number, call: (here: Here) => void): void;
  /** How many users' groups are known, and how many groups. */
  sizes(): { readonly members: number; readonly groups: number };
}

export function createGroupPresences(store: { readonly groups: Pick<Store["groups"], "presences"> }): GroupPresences {
  const members = new Map<string, Member>();
  const groups = new Map<string, Set<Member>>();
  /** Everything up to here was announced. */
  let announcedTo = 0;

  function set(member: Member, conversation: string, window: Window): void {
    if ((member.windows.get(conversation)?.n ?? -1) >= window.n) return;
    member.windows.set(conversation, window);
    const all = groups.get(conversation) ?? new Set();
    all.add(member);
    groups.set(conversation, all);
  }

  function forget(member: Member): void {
    for (const conversation of member.windows.keys()) {
      const all = groups.get(conversation);
      all?.delete(member);
      if (all?.size === 0) groups.delete(conversation);
    }
  }

  return {
    enter({ session, level }, here) {
      const key = identityKey(session);
      if (level < group.level || members.has(key)) return;
      const member: Member = { here, windows: new Map() };
      members.set(key, member);
      here.isReading = true;
      store.groups.presences(session).then(
        (presences) => {
          if (members.get(key) !== member) return;
          for (const { conversation, ...window } of presences) set(member, conversation, window);
          here.lastN = Math.max(here.lastN, announcedTo);
          here.isReading = false;
        },
        (fault: unknown) => {
          if (members.get(key) !== member) return;
          members.delete(key);
          forget(member);
          here.connections.each((connection) => connection.fail(fault));
        },
      );
    },
    leave(identity) {
      const key = identityKey(identity);
      const member = members.get(key);
      if (member === undefined) return;
      members.delete(key);
      forget(member);
    },
    note(entries, upTo) {
      announcedTo = Math.max(announcedTo, upTo);
      for (const { tenant, change } of entries) {
        if (change.kind !== "membership") continue;
        const { n, conversation, user, joinedN, untilN = null } = change;
        const member = members.get(identityKey({ tenant, user }));
        if (member !== undefined) set(member, conversation, { n, joinedN, untilN });
      }
    },
    each(conversation, n, call) {
      for (const member of groups.get(conversation) ?? []) {
        const window = member.windows.get(conversation);
        if (window && n > window.joinedN && (window.untilN === null || n <= window.untilN)) call(member.here);
      }
    },
    sizes: () => ({ members: members.size, groups: groups.size }),
  };
}

/** The registry of connections, in which users come and go in their groups too. */
export const withGroups = (registry: Registry, groups: GroupPresences): Registry => ({
  ...registry,
  join(identity, connection, position) {
    const here = registry.join(identity, connection, position);
    groups.enter(connection, here);
    return here;
  },
  leave(identity, connection) {
    const isLast = registry.leave(identity, connection);
    if (isLast) groups.leave(identity);
    return isLast;
  },
});
