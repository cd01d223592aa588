import type { Subject, Watch } from "./watch.ts";

/** Watchers that one turn of the event loop marks at most: a few milliseconds. */
const watchersAtOnce = 2_000;

/** Users who came or went, with their watchers that are not marked yet. */
export function createPresenceSpread(mark: (watch: Watch, user: string) => void) {
  /** `isAgain`: the user has moved again since. */
  const spreading = new Map<Subject, { readonly left: Iterator<Watch>; isAgain: boolean }>();
  const begin = (subject: Subject): void =>
    void spreading.set(subject, { left: subject.watchers[Symbol.iterator](), isAgain: false });

  return {
    add(subject: Subject): void {
      const known = spreading.get(subject);
      if (known) known.isAgain = true;
      else begin(subject);
    },
    /** Marks the next watchers, at most `watchersAtOnce`. */
    markSome(): void {
      let room = watchersAtOnce;
      for (const [subject, { left, isAgain }] of spreading) {
        for (let next = left.next(); next.done !== true; next = left.next()) {
          mark(next.value, subject.identity.user);
          if (--room === 0) return;
        }
        spreading.delete(subject);
        if (isAgain) begin(subject);
      }
    },
    delete: (subject: Subject): void => void spreading.delete(subject),
    isEmpty: (): boolean => spreading.size === 0,
  };
}
