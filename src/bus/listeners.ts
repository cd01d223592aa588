import { createLog } from "../internal/logger.ts";
import { encodeSubject } from "./subject.ts";

/** What a transport does when somebody starts to listen to an encoded subject, and when nobody does any more. */
export type Interest = { readonly begin: (key: string) => void; readonly end: (key: string) => void };

/** Who listens to which subject on one transport. */
export function createListeners({ begin, end }: Interest) {
  const log = createLog(["tidings", "bus"]);
  /** Each subscription is a function of its own, also where two of them share a listener. */
  const bySubject = new Map<string, Set<(text: string) => void>>();

  /** A listener that fails must not cost the others, nor the connection, what was told. */
  function guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      log.error("a listener failed", { error });
    }
  }

  return {
    /** @throws TypeError where the subject cannot be carried. */
    add(subject: readonly string[], listener: (text: string) => void): () => void {
      const key = encodeSubject(subject);
      if (key === null)
        throw new TypeError("A subject has parts, none of them empty or ill-formed, and is not too long");
      const call = (text: string): void => guarded(() => listener(text));
      const calls = bySubject.get(key) ?? new Set();
      calls.add(call);
      if (calls.size === 1) {
        bySubject.set(key, calls);
        begin(key);
      }
      return () => {
        if (!calls.delete(call) || calls.size > 0 || bySubject.get(key) !== calls) return;
        bySubject.delete(key);
        end(key);
      };
    },
    has: (key: string): boolean => bySubject.has(key),
    keys: (): readonly string[] => [...bySubject.keys()],
    tell(key: string, text: string): void {
      // One that ends another while it is called must be obeyed; one that begins there is not meant yet.
      const calls = bySubject.get(key);
      for (const call of [...(calls ?? [])]) if (calls?.has(call) === true) call(text);
    },
    guarded,
    /** Nobody listens any more; the transport is not told. */
    clear(): void {
      for (const calls of bySubject.values()) calls.clear();
      bySubject.clear();
    },
  };
}
