/**
 * A value that changes, for any user interface: `useSyncExternalStore` of React takes its two functions as they are. A snapshot is never changed
 * afterwards, and the parts of the next one that did not change are the same objects.
 *
 * @example
 * const show = (status: Readable<{ readonly state: string }>) => status.subscribe(() => report(status.get().state));
 */
export interface Readable<Value> {
  /** The present snapshot: the same object until something has changed. */
  get(): Value;
  /** Calls `listener` after each change; returns the function that ends this. */
  subscribe(listener: () => void): () => void;
}

/** A {@link Readable} with its setter, for the owner of the value. */
export interface Source<Value> extends Readable<Value> {
  /** Keeps `value` and notifies the listeners, unless it is the value already. */
  set(value: Value): void;
  /** True while there are listeners. */
  isWatched(): boolean;
}

export type SourceOptions = {
  /** Called with the fault of a listener that throws: it must not keep the others from being called. */
  readonly onFault: (fault: unknown) => void;
  /** Called when the first listener comes, and when the last one has gone. */
  readonly onWatched?: (isWatched: boolean) => void;
};

export function createSource<Value>(first: Value, { onFault, onWatched }: SourceOptions): Source<Value> {
  let value = first;
  const listeners = new Set<{ readonly call: () => void }>();
  return {
    get: () => value,
    isWatched: () => listeners.size > 0,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners])
        try {
          if (listeners.has(listener)) listener.call();
        } catch (fault) {
          onFault(fault);
        }
    },
    subscribe(call) {
      // An object of its own: one function may be subscribed twice.
      const listener = { call };
      listeners.add(listener);
      if (listeners.size === 1) onWatched?.(true);
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) onWatched?.(false);
      };
    },
  };
}
