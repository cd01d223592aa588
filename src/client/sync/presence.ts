import type { Presence } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Frame, Link } from "../link/contract.ts";
import { createSource, type Readable, type Source } from "../readable.ts";

/** The presence of the users that are shown. */
export interface PresenceBook {
  of(user: string): Readable<Presence>;
  take(frame: Extract<Frame, { type: "presence" }>): void;
  /** A connection that can be asked. */
  begin(): void;
  end(): void;
}

/** The server accepts this many for longest (PROTOCOL 4); those who were looked at last count. */
const watchedMax = 50;
/** Views that come and go within this time cause one frame. */
const gatherMs = 100;
const unknown: Presence = { state: "unknown" };

export function createPresence(options: {
  readonly clock: Environment["clock"];
  readonly link: Pick<Link, "send">;
  readonly onFault: (fault: unknown) => void;
}): PresenceBook {
  const { clock, link, onFault } = options;
  /** One source for each user that is shown, the latest last. */
  const watched = new Map<string, Source<Presence>>();
  let connection: "up" | "down" = "down";
  let cancel: (() => void) | null = null;
  let asked = "";

  function ask(): void {
    cancel = null;
    if (connection === "down") return;
    const users = [...watched.keys()].slice(-watchedMax).sort();
    if (users.join(" ") === asked) return;
    if (link.send({ type: "watch", users })) asked = users.join(" ");
  }

  const gather = (): void => void (cancel ??= clock.after(gatherMs, ask));

  return {
    of: (user) => ({
      get: () => watched.get(user)?.get() ?? unknown,
      subscribe(listener) {
        const onWatched = (isWatched: boolean): void => {
          if (!isWatched) watched.delete(user);
          gather();
        };
        const source = watched.get(user) ?? createSource(unknown, { onFault, onWatched });
        watched.set(user, source);
        return source.subscribe(listener);
      },
    }),
    take(frame) {
      const { user, state } = frame;
      const lastSeen = "lastSeen" in frame ? frame.lastSeen : undefined;
      watched.get(user)?.set({ state, ...(lastSeen !== undefined && { lastSeen }) });
    },
    begin() {
      connection = "up";
      asked = "";
      gather();
    },
    end() {
      connection = "down";
      for (const source of watched.values()) source.set(unknown);
    },
  };
}
