import type { Change, Frame } from "../../src/conform/frames.ts";
import type { Line, ShownMessage } from "../../src/conform/index.ts";
import type { Mistake, Order } from "./small-client.ts";

export type PeopleOptions = {
  readonly user: string;
  readonly does: (mistake: Mistake) => boolean;
  readonly print: (line: Line) => void;
  readonly later: (act: () => void, ms: number) => void;
  readonly messages: () => readonly ShownMessage[];
  readonly send: (frame: object) => unknown;
};

const shownMs = 5_000;
const typedEveryMs = 3_000;
const stoppedMs = 1_000;

/** What the small client shows and tells beside messages: marks, typing, presence. */
export function createPeople({ user, does, print, later, messages, send }: PeopleOptions) {
  const marks = new Map<string, Change>();
  const states = new Map<string, string>();
  const watched = new Set<string>();
  /** Who types, with the number of the last frame. */
  const typists = new Map<string, number>();
  let frames = 0;
  let greetings = 0;
  const typed = { at: 0, keys: 0 };

  function showMarks(conversation: string): void {
    const { delivered = 0, read = 0 } = marks.get(conversation) ?? {};
    if (does("shows no marks")) return;
    for (const { id, seq } of messages().filter((one) => one.conversation === conversation && one.from === user)) {
      const isRead = seq <= read || (read > 0 && does("shows one mark for all messages"));
      const state = isRead ? "read" : seq <= delivered ? "delivered" : null;
      if (state === null || states.get(id) === state) continue;
      states.set(id, state);
      print({ item: { id, state } });
    }
  }

  function ends(typist: string): void {
    if (typists.delete(typist)) print({ typing: { user: typist, typing: false } });
  }

  function typing({ user: typist = "", typing: isTyping }: Frame): void {
    if (isTyping !== true) return ends(typist);
    const number = ++frames;
    if (!typists.has(typist)) print({ typing: { user: typist, typing: true } });
    typists.set(typist, number);
    if (!does("shows typing until its end comes")) later(() => typists.get(typist) === number && ends(typist), shownMs);
  }

  function type(to: string): void {
    const now = Date.now();
    const key = ++typed.keys;
    if (now - typed.at >= typedEveryMs || does("sends typing at each keystroke")) {
      typed.at = now;
      send({ type: "typing", to, typing: true });
    }
    later(() => {
      if (typed.keys !== key) return;
      typed.at = 0;
      send({ type: "typing", to, typing: false });
    }, stoppedMs);
  }

  const watch = (): unknown => watched.size > 0 && send({ type: "watch", users: [...watched] });

  return {
    showMarks,
    welcome(): void {
      greetings++;
      if (greetings === 1 || !does("watches on its first connection alone")) watch();
    },
    marked(change: Change): void {
      if (change.user === user || change.conversation === undefined) return;
      marks.set(change.conversation, change);
      showMarks(change.conversation);
    },
    came({ conversation, seq, from }: Pick<ShownMessage, "conversation" | "seq" | "from">): void {
      ends(from);
      if (does("takes what comes as read")) send({ type: "read", conversation, seq });
    },
    take(frame: Frame): void {
      if (frame.type === "typing") typing(frame);
      else print({ presence: { user: frame.user ?? "", state: frame.state ?? "" } });
    },
    tell(order: Order): void {
      if (order.do === "typing") type(order.to);
      if (order.do === "watch") {
        watched.add(order.user);
        watch();
      }
      const conversation = messages().find(({ from }) => from === order.to)?.conversation;
      if (order.do === "read" && !does("tells nothing of what was read"))
        send({ type: "read", conversation, seq: order.seq });
    },
  };
}
