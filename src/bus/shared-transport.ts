import type { Transport } from "./transport.ts";

/**
 * Returns a function that makes transports over one that is shared: `close()` of such a share ends its own subscriptions and gap listeners, and the
 * shared transport stays open.
 *
 * @example
 * const newShare = shareTransport(bus);
 * const transport = newShare();
 */
export function shareTransport(shared: Transport): () => Transport {
  const shares = new Set<(() => void)[]>();
  shared.onGap(() => {
    for (const listeners of [...shares]) for (const listener of listeners) listener();
  });

  return () => {
    const gapListeners: (() => void)[] = [];
    const ends = new Set<() => void>();
    let isClosed = false;
    shares.add(gapListeners);

    return {
      publish(subject, text) {
        if (!isClosed) shared.publish(subject, text);
      },
      subscribe(subject, listener) {
        if (isClosed) return () => {};
        const endShared = shared.subscribe(subject, listener);
        const end = (): void => {
          ends.delete(end);
          endShared();
        };
        ends.add(end);
        return end;
      },
      onGap: (listener) => void gapListeners.push(listener),
      close() {
        isClosed = true;
        shares.delete(gapListeners);
        for (const end of [...ends]) end();
        return Promise.resolve();
      },
    };
  };
}
