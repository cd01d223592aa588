import type { ClientEvents } from "./api.ts";

/** The typed events of a client. */
export interface Events {
  on<Name extends keyof ClientEvents>(event: Name, listener: (value: ClientEvents[Name]) => void): () => void;
  emit<Name extends keyof ClientEvents>(event: Name, value: ClientEvents[Name]): void;
}

export function createEvents(onFault: (fault: unknown) => void): Events {
  const listeners = new Map<keyof ClientEvents, Set<(value: never) => void>>();
  return {
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(listener));
      return () => void set.delete(listener);
    },
    emit(event, value) {
      for (const listener of [...(listeners.get(event) ?? [])])
        try {
          (listener as (given: typeof value) => void)(value);
        } catch (fault) {
          onFault(fault);
        }
    },
  };
}
