import type { PushNotice, PushProvider, PushResult } from "../../../src/push/provider.ts";

/** The screen of one device, and how often it rang. */
export type Screen = {
  /** The notifications, by tag. */
  readonly shown: Map<string, PushNotice>;
  /** How often the device rang: a repeat that replaces itself does not. */
  rings: number;
  badge: number;
};

export type Answer = (notice: PushNotice, tries: number) => PushResult | Promise<PushResult>;

export const sent: PushResult = { type: "sent", answer: "ok" };

/**
 * A provider in memory, with the screens of its devices. Like real ones it shows a repeat with the same key only once. `answer` returns the result of a request;
 * a notice that is `sent`, or that `show` accepts before the answer is lost, is shown.
 */
export function createPhones(name = "phones", answer: Answer = () => sent, options: Partial<PushProvider> = {}) {
  const requests: PushNotice[] = [];
  const screens = new Map<string, Screen>();
  const tries = new Map<string, number>();
  const taken = new Set<string>();
  /** Older notifications that have replaced newer ones. */
  const violations: string[] = [];

  function screenOf(token: string): Screen {
    const known = screens.get(token);
    if (known) return known;
    const made: Screen = { shown: new Map(), rings: 0, badge: 0 };
    screens.set(token, made);
    return made;
  }

  function show(notice: PushNotice): void {
    if (taken.has(notice.key)) return;
    taken.add(notice.key);
    const screen = screenOf(notice.token);
    screen.badge = notice.badge;
    const before = screen.shown.get(notice.tag);
    if (notice.kind === "clear") return void screen.shown.delete(notice.tag);
    if (before && before.seq > notice.seq) violations.push(`${notice.seq} came after ${before.seq} on ${notice.token}`);
    screen.shown.set(notice.tag, notice);
    screen.rings++;
  }

  const provider: PushProvider = {
    name,
    expects: "a token",
    parse: ({ token, expiresAt }) =>
      typeof token === "string" ? { token, ...(typeof expiresAt === "number" && { expiresAt }) } : null,
    async send(notice) {
      requests.push(notice);
      const count = (tries.get(notice.key) ?? 0) + 1;
      tries.set(notice.key, count);
      const result = await answer(notice, count);
      if (result.type === "sent") show(notice);
      return result;
    },
    ...options,
  };

  return {
    provider,
    requests,
    violations,
    screenOf,
    /** Shows a notice whatever the answer is: the answer was lost. */
    show,
    /** The seqs that a device shows, by conversation. */
    showing: (token: string): Record<string, number> =>
      Object.fromEntries([...screenOf(token).shown.values()].map(({ conversation, seq }) => [conversation, seq])),
  };
}

export type Phones = ReturnType<typeof createPhones>;
