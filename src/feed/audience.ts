import type { Transport } from "../bus/transport.ts";
import { type Identity, identityKey } from "../model.ts";

/** Characters of an audience in a commit notice: 36 bits, so that among 100 000 users few of two nodes share one. */
export const audienceChars = 6;

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** 18 bits as three digits. */
const threeDigits = (bits: number): string =>
  `${digits[(bits >>> 26) & 63]}${digits[(bits >>> 20) & 63]}${digits[(bits >>> 14) & 63]}`;

/**
 * A short name of a user in commit notices. All nodes, of all releases, compute the same. Two users may have the same one: a node then waits for rows
 * that do not concern it, and reads the log in vain.
 *
 * @example
 * audienceOf({ tenant: "acme", user: "alice" }).length // 6
 */
export function audienceOf(identity: Identity): string {
  const key = identityKey(identity);
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    one = Math.imul(one ^ unit, 2_654_435_761);
    two = Math.imul(two ^ unit, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return threeDigits(one) + threeDigits(two);
}

/** The members of a group, as if they were one user: no user's name has a space. */
export const groupAudience = (tenant: string, conversation: string): Identity => ({
  tenant,
  user: `group ${conversation}`,
});

/** The subject of messages to the nodes on which a user is connected. */
export const userSubject = (epoch: string, { tenant, user }: Identity): string[] => ["user", epoch, tenant, user];

/** The subject of all rows of commits, for nodes that need those of all users. */
export const wholeSubject = (epoch: string): string[] => ["commits-whole", epoch];

export type AudiencesOptions = {
  readonly transport: Transport;
  /** The rows of one user in a stretch of a commit. */
  readonly onRows: (text: string) => void;
  /** A stretch of a commit with all its rows. */
  readonly onWhole: (text: string) => void;
};

/** The users whose rows this node needs, with a subscription for each. */
export type Audiences = {
  /** Needs the rows of a user from now on; called once for each user. */
  add(identity: Identity): void;
  remove(identity: Identity): void;
  /** Needs all rows from now on; returns how to end that. */
  addAll(): () => void;
  needsAll(): boolean;
  /** Whether rows of this audience are needed. */
  has(audience: string): boolean;
  /** Grows with each need that is added: what was whole before may be incomplete now. */
  additions(): number;
  /** The history whose rows are received from now on. */
  follow(epoch: string): void;
  stop(): void;
};

export function createAudiences({ transport, onRows, onWhole }: AudiencesOptions): Audiences {
  const users = new Map<string, { readonly identity: Identity; readonly audience: string; end: () => void }>();
  /** The number of users of each audience. */
  const counts = new Map<string, number>();
  let epoch: string | null = null;
  let additions = 0;
  /** The number of followers that need all rows. */
  let all = 0;
  let endWhole = (): void => {};

  const subscribe = (identity: Identity): (() => void) =>
    epoch === null ? () => {} : transport.subscribe(userSubject(epoch, identity), onRows);

  function subscribeWhole(): void {
    endWhole();
    endWhole = epoch === null || all === 0 ? () => {} : transport.subscribe(wholeSubject(epoch), onWhole);
  }

  function stop(): void {
    epoch = null;
    for (const user of users.values()) {
      user.end();
      user.end = () => {};
    }
    endWhole();
    endWhole = () => {};
  }

  return {
    add(identity) {
      const key = identityKey(identity);
      if (users.has(key)) return;
      const audience = audienceOf(identity);
      const { tenant, user } = identity;
      users.set(key, { identity: { tenant, user }, audience, end: subscribe(identity) });
      counts.set(audience, (counts.get(audience) ?? 0) + 1);
      additions++;
    },
    remove(identity) {
      const key = identityKey(identity);
      const known = users.get(key);
      if (!known) return;
      users.delete(key);
      known.end();
      const left = (counts.get(known.audience) ?? 0) - 1;
      if (left > 0) counts.set(known.audience, left);
      else counts.delete(known.audience);
    },
    addAll() {
      all++;
      additions++;
      if (all === 1) subscribeWhole();
      let end = (): void => {
        end = () => {};
        all--;
        if (all === 0) subscribeWhole();
      };
      return () => end();
    },
    needsAll: () => all > 0,
    has: (audience) => counts.has(audience),
    additions: () => additions,
    follow(history) {
      stop();
      epoch = history;
      for (const user of users.values()) user.end = subscribe(user.identity);
      subscribeWhole();
    },
    stop,
  };
}
