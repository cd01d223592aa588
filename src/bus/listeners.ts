import { createLog } from "../internal/logger.ts";
import { encodeSubject } from "./subject.ts";

/** Called when an encoded subject gets its first listener, and when it loses its last one. */
export type Interest = { readonly begin: (key: string) => void; readonly end: (key: string) => void };

/** The listeners of one transport, by encoded subject. */
export function createListeners({ begin, end }: Interest) {
  const log = createLog(["tidings", "bus"]);
  /** Each subscription is a function of its own, also where two of them share a listener. */
  const bySubject = new Map<string, Set<(text: string) => void>>();

  /** Calls a listener; one that throws is logged, and costs neither the others nor the connection this text. */
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
        if (!calls.delete(call) || calls.size > 0) return;
        bySubject.delete(key);
        end(key);
      };
    },
    has: (key: string): boolean => bySubject.has(key),
    keys: (): readonly string[] => [...bySubject.keys()],
    receive(key: string, text: string): void {
      // A listener that another one ends meanwhile is not called; one that another one begins does not get this text.
      const calls = bySubject.get(key);
      for (const call of [...(calls ?? [])]) if (calls?.has(call) === true) call(text);
    },
    guarded,
    /** Removes all, without `end`. */
    clear(): void {
      for (const calls of bySubject.values()) calls.clear();
      bySubject.clear();
    },
  };
}

export type Listeners = ReturnType<typeof createListeners>;
