import type { Environment } from "../environment.ts";
import type { Frame, Link } from "../link/contract.ts";
import { createSource, type Readable, type Source } from "../readable.ts";
import { sameOr } from "../same.ts";
import type { Target } from "../vault/rows.ts";
import { targetKey, wireTarget } from "./target.ts";

/** Typing, of the user and of others. */
export interface Typing {
  /** Those who type in the conversation that `id` names now. */
  typists(id: () => string | null): Readable<readonly string[]>;
  /** The user types, or has stopped. */
  type(target: Target, isTyping: boolean): void;
  /** The user's message ends it, without a frame. */
  sent(target: Target): void;
  take(frame: Extract<Frame, { type: "typing" }>): void;
  /** A message of `user` has come. */
  spoke(conversation: string, user: string): void;
  end(): void;
}

/** A frame at most this often while the user goes on (PROTOCOL 4). */
const sentEveryMs = 3_000;
/** For this long a typist is shown after the last frame (PROTOCOL 4). */
const shownMs = 5_000;
/** How many typists are shown at a time. */
const typistsMax = 200;

export function createTyping(options: {
  readonly clock: Environment["clock"];
  readonly link: Pick<Link, "send">;
  readonly onFault: (fault: unknown) => void;
}): Typing {
  const { clock, link, onFault } = options;
  const shown = new Map<
    string,
    { readonly conversation: string; readonly user: string; readonly cancel: () => void }
  >();
  const views = new Set<{ readonly id: () => string | null; readonly source: Source<readonly string[]> }>();
  const sent = new Map<string, { at: number; readonly cancel: () => void }>();

  function refresh(): void {
    for (const { id, source } of views) {
      const conversation = id();
      const users = [...shown.values()].filter((one) => one.conversation === conversation).map((one) => one.user);
      source.set(sameOr(source.get(), users.sort()));
    }
  }

  function hide(key: string): void {
    shown.get(key)?.cancel();
    if (shown.delete(key)) refresh();
  }

  function stop(target: Target, isTold: boolean): void {
    const key = targetKey(target);
    sent.get(key)?.cancel();
    if (sent.delete(key) && isTold) link.send({ type: "typing", ...wireTarget(target), typing: false });
  }

  return {
    typists(id) {
      const source = createSource<readonly string[]>([], {
        onFault,
        onWatched: (isWatched) => void (isWatched ? views.add(view) : views.delete(view)),
      });
      const view = { id, source };
      return source;
    },
    type(target, isTyping) {
      if (!isTyping) return stop(target, true);
      const key = targetKey(target);
      const before = sent.get(key);
      before?.cancel();
      const cancel = clock.after(shownMs, () => stop(target, true));
      const isDue = before === undefined || clock.elapsed() - before.at >= sentEveryMs;
      if (isDue && !link.send({ type: "typing", ...wireTarget(target), typing: true })) return cancel();
      sent.set(key, { at: isDue ? clock.elapsed() : before.at, cancel });
    },
    sent: (target) => stop(target, false),
    take({ conversation, user, typing }) {
      const key = `${conversation} ${user}`;
      shown.get(key)?.cancel();
      if (!typing) return hide(key);
      if (shown.size >= typistsMax && !shown.has(key)) return;
      shown.set(key, { conversation, user, cancel: clock.after(shownMs, () => hide(key)) });
      refresh();
    },
    spoke: (conversation, user) => hide(`${conversation} ${user}`),
    end() {
      for (const { cancel } of [...shown.values(), ...sent.values()]) cancel();
      shown.clear();
      sent.clear();
      refresh();
    },
  };
}
