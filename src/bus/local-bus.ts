import { type Clock, systemClock } from "../internal/clock.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import { encodeSubject } from "./subject.ts";
import type { Transport } from "./transport.ts";

/** A bus within one process. */
export type LocalBus = {
  /** One more transport on it. */
  connect(): Transport;
};

/**
 * Transports within one process, for several chats on one database. The texts of one reach the others in the order in
 * which they were published, in a later turn of the event loop. Nothing is ever missed, so there are no gaps.
 *
 * @example
 * const bus = createLocalBus();
 * const [first, second] = [bus.connect(), bus.connect()];
 */
export function createLocalBus({ clock = systemClock }: { readonly clock?: Pick<Clock, "defer"> } = {}): LocalBus {
  const members = new Set<Pick<Listeners, "has" | "receive">>();

  function connect(): Transport {
    const listeners = createListeners({ begin() {}, end() {} });
    members.add(listeners);

    return {
      publish(subject, text) {
        const key = encodeSubject(subject);
        if (key === null || !members.has(listeners)) return;
        const others = [...members].filter((member) => member !== listeners && member.has(key));
        if (others.length === 0) return;
        clock.defer(() => {
          for (const other of others) other.receive(key, text);
        });
      },
      subscribe: (subject, listener) => {
        const end = listeners.add(subject, listener);
        if (!members.has(listeners)) end();
        return end;
      },
      onGap() {},
      close() {
        members.delete(listeners);
        listeners.clear();
        return Promise.resolve();
      },
    };
  }

  return { connect };
}
