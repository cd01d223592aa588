import type { Connection } from "../connection/connection.ts";
import { groupAudience } from "../feed/audience.ts";
import type { Feed } from "../feed/feed.ts";
import { group } from "../log/group.ts";
import { type Identity, identityKey, type LogEntry } from "../model.ts";
import type { Store } from "../store/store.ts";
import type { Here, Registry } from "./registry.ts";

/** The change numbers of a group that a member gets: above `joinedN`, and up to `untilN` if that is set. `n`: that of the membership. */
type Window = { readonly n: number; readonly joinedN: number; readonly untilN: number | null };

type Member = {
  readonly tenant: string;
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
  /** How many users of this node are, or were, in a group. */
  count(conversation: string): number;
  /** How many users' groups are known, and how many groups. */
  sizes(): { readonly members: number; readonly groups: number };
}

export type GroupPresencesOptions = {
  readonly store: { readonly groups: Pick<Store["groups"], "presences"> };
  /** The log of this node: of other nodes' commits it gets the entries of those groups that it needs. */
  readonly feed: Pick<Feed, "need" | "release">;
};

export function createGroupPresences({ store, feed }: GroupPresencesOptions): GroupPresences {
  const members = new Map<string, Member>();
  const groups = new Map<string, Set<Member>>();
  /** Memberships that end: they go once everything up to their end was sent. */
  const ending: { readonly member: Member; readonly conversation: string; readonly untilN: number }[] = [];
  /** Everything up to here was announced. */
  let announcedTo = 0;

  /** True: the user comes into the group. */
  function set(member: Member, conversation: string, window: Window): boolean {
    const before = member.windows.get(conversation);
    if ((before?.n ?? -1) >= window.n) return false;
    member.windows.set(conversation, window);
    let all = groups.get(conversation);
    if (all === undefined) {
      all = new Set();
      groups.set(conversation, all);
      feed.need(groupAudience(member.tenant, conversation));
    }
    all.add(member);
    if (window.untilN !== null) ending.push({ member, conversation, untilN: window.untilN });
    return window.untilN === null && before?.joinedN !== window.joinedN;
  }

  function remove(member: Member, conversation: string): void {
    const all = groups.get(conversation);
    all?.delete(member);
    if (all?.size !== 0) return;
    groups.delete(conversation);
    feed.release(groupAudience(member.tenant, conversation));
  }

  const forget = (member: Member): void => {
    for (const conversation of member.windows.keys()) remove(member, conversation);
    member.windows.clear();
  };

  /** Forgets memberships whose last entry was sent with the stretch before. */
  function endOver(): void {
    for (const { member, conversation, untilN } of ending.splice(0)) {
      if (member.windows.get(conversation)?.untilN !== untilN) continue;
      if (untilN > announcedTo) ending.push({ member, conversation, untilN });
      else remove(member, conversation);
    }
  }

  /** Their connections read the log: the group's entries in this stretch, and before it in the same commit, went to nodes with members alone. */
  function readLog({ here }: Member, upTo: number): void {
    here.lastN = Math.max(here.lastN, upTo);
    here.connections.each((connection) => {
      if (connection.level >= group.level) connection.outgoing.readAgain();
    });
  }

  return {
    enter({ session, level }, here) {
      const key = identityKey(session);
      if (level < group.level || members.has(key)) return;
      const member: Member = { tenant: session.tenant, here, windows: new Map() };
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
      endOver();
      announcedTo = Math.max(announcedTo, upTo);
      for (const { tenant, change } of entries) {
        if (change.kind !== "membership") continue;
        const { n, conversation, user, joinedN, untilN = null } = change;
        const member = members.get(identityKey({ tenant, user }));
        if (member !== undefined && set(member, conversation, { n, joinedN, untilN })) readLog(member, n);
      }
    },
    each(conversation, n, call) {
      for (const member of groups.get(conversation) ?? []) {
        const window = member.windows.get(conversation);
        if (window && n > window.joinedN && (window.untilN === null || n <= window.untilN)) call(member.here);
      }
    },
    count: (conversation) => groups.get(conversation)?.size ?? 0,
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
