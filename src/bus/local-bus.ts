import { type Clock, systemClock } from "../internal/clock.ts";
import { createListeners } from "./listeners.ts";
import { encodeSubject } from "./subject.ts";
import type { Transport } from "./transport.ts";

type Member = { readonly has: (key: string) => boolean; readonly tell: (key: string, text: string) => void };

/**
 * Transports within one process, for several chats on one database. What one of them publishes reaches the others in the order in
 * which it was published, in a later turn of the event loop. Nothing is ever missed, so nobody is told of gaps.
 *
 * @example
 * const bus = createLocalBus();
 * const [first, second] = [bus.connect(), bus.connect()];
 */
export function createLocalBus({ clock = systemClock }: { readonly clock?: Pick<Clock, "defer"> } = {}) {
  const members = new Set<Member>();

  function connect(): Transport {
    const listeners = createListeners({ begin() {}, end() {} });
    const self: Member = listeners;
    members.add(self);

    return {
      publish(subject, text) {
        const key = encodeSubject(subject);
        if (key === null || !members.has(self)) return;
        const others = [...members].filter((member) => member !== self && member.has(key));
        if (others.length === 0) return;
        clock.defer(() => {
          for (const other of others) other.tell(key, text);
        });
      },
      subscribe: (subject, listener) => {
        const end = listeners.add(subject, listener);
        if (!members.has(self)) end();
        return end;
      },
      onGap() {},
      close() {
        members.delete(self);
        listeners.clear();
        return Promise.resolve();
      },
    };
  }

  return { connect };
}

export type LocalBus = ReturnType<typeof createLocalBus>;
