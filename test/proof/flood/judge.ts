import type { Screen } from "../../push/fake/display.ts";
import type { Device, Person, Talk } from "./people.ts";
import type { Request } from "./services.ts";

/**
 * Results that a killed server may not have stored yet: answers gather for 20 ms and wait for a commit behind those of the flood. A
 * request that was answered longer before a crash is known, and never repeated.
 */
const keptWithinMs = 1_000;
/** The largest age of a request's database read when the request arrives. */
const lookedWithinMs = 1_000;
/** A request that was on its way when its device logged out, or when the server died. */
const onItsWayMs = 250;
/**
 * This long after a crash earlier notices are looked at again: those read meanwhile are cleared, since they may have been sent as
 * the server died, even where they were not.
 */
const caughtUpWithinMs = 5_000;

/** Multiplies the times above, for machines that have other work to do. */
export type Lenience = { readonly times: number };

/** The range of a conversation's unread count when a request arrived. */
function unreadAt(
  { messages, reads }: Talk,
  at: number,
  { times }: Lenience,
): { readonly least: number; readonly most: number } {
  let [sent, kept, read, surelyRead] = [0, 0, 0, 0];
  const before = at - times * lookedWithinMs;
  for (const { seq, askedAt, answeredAt } of messages) {
    if (askedAt <= at) sent = Math.max(sent, seq);
    if (answeredAt <= before) kept = Math.max(kept, seq);
  }
  for (const { seq, askedAt, answeredAt } of reads) {
    if (askedAt <= at) read = Math.max(read, seq);
    if (answeredAt <= before) surelyRead = Math.max(surelyRead, seq);
  }
  return { least: Math.max(0, kept - read), most: Math.max(0, sent - surelyRead) };
}

const newest = (list: readonly { readonly seq: number }[]): number =>
  list.reduce((most, { seq }) => Math.max(most, seq), 0);

/** Each device's final notifications, and the right ones: for each unread conversation one notification, of the newest message. */
export function judgeScreens(
  users: readonly Person[],
  { screen, requests }: { readonly screen: (device: Device) => Screen; readonly requests: readonly Request[] },
  lenience: Lenience,
): readonly string[] {
  const faults: string[] = [];
  const lastOf = new Map<string, Request>();
  for (const request of requests)
    if (request.fate === "taken" || request.fate === "lost") {
      const device = `${request.provider} ${request.screen}`;
      lastOf.set(device, request).set(`${device} ${request.conversation}`, request);
    }

  for (const { devices, talks } of users)
    for (const device of devices) {
      if (device.isDead || device.loggedOutAt !== null) continue;
      const { notifications, badge } = screen(device);
      const shown = new Map([...notifications.values()].map((one) => [one.data["conversation"] ?? "", one]));
      const fault = (text: string): void => void faults.push(`${device.user} ${device.name}: ${text}`);
      if (shown.size !== notifications.size) fault("two notifications for one conversation");
      for (const talk of talks) {
        const { conversation, messages, reads } = talk;
        if (conversation === null) continue;
        const [last, read] = [newest(messages), newest(reads)];
        const notification = shown.get(conversation);
        shown.delete(conversation);
        if (read >= last) {
          if (notification) fault(`shows ${notification.seq}, and ${last} was read`);
        } else if (!notification) fault(`shows nothing of ${last - read} unread messages`);
        else if (notification.seq !== last) fault(`shows ${notification.seq}, the newest is ${last}`);
        else {
          const unread = Number(notification.data["unread"]);
          const at = lastOf.get(`${device.provider} ${device.screen} ${conversation}`)?.at ?? 0;
          const { least, most } = unreadAt(talk, at, lenience);
          if (unread > most || unread < least) fault(`shows ${unread} unread of ${last}, and ${least} to ${most} were`);
        }
      }
      if (shown.size > 0) fault(`shows conversations of other users: ${[...shown.keys()].join()}`);
      const request = lastOf.get(`${device.provider} ${device.screen}`);
      if (!request) continue;
      const ranges = talks.map((talk) => unreadAt(talk, request.at, lenience));
      const [least, most] = [sum(ranges.map((range) => range.least)), sum(ranges.map((range) => range.most))];
      if (badge < least || badge > most) fault(`has the badge ${badge}, and ${least} to ${most} were unread`);
    }
  return faults;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

export type Repeats = {
  readonly faults: readonly string[];
  readonly figures: {
    /** Requests that were taken and asked again, because a crash kept the result from the server. */
    readonly aroundCrashes: number;
    readonly afterLostAnswers: number;
    readonly afterRefusals: number;
    /** How long before a crash the earliest of those was answered. */
    readonly keptAfterMs: number;
    /** Notifications that were cleared twice, because the first time was before a crash. */
    readonly clearsAgain: number;
  };
};

/** U5: a taken request is repeated only where a crash, or a lost answer, has kept the result from the server. */
export function judgeRepeats(
  requests: readonly Request[],
  options: Lenience & { readonly crashes: readonly number[]; readonly perCrashMax: number },
): Repeats {
  const { crashes, perCrashMax, times } = options;
  const faults: string[] = [];
  let [aroundCrashes, afterLostAnswers, afterRefusals, keptAfterMs, clearsAgain] = [0, 0, 0, 0, 0];
  const perCrash = crashes.map(() => 0);
  const before = new Map<string, Request>();
  for (const request of requests) {
    const { provider, screen, kind, conversation, seq, key, at } = request;
    const name = `${provider} ${screen} ${kind} ${conversation} ${seq}`;
    const last = before.get(name);
    before.set(name, request);
    if (!last) continue;
    if (last.key !== key) faults.push(`${name} has the keys ${last.key} and ${key}`);
    if (last.fate === "later") afterRefusals++;
    else if (last.fate === "lost") afterLostAnswers++;
    else {
      // The request may have been on its way when the server died.
      const nth = crashes.findIndex((crash) => crash < at && crash > last.at - times * onItsWayMs);
      const leftMs = (crashes[nth] ?? Infinity) - last.at;
      const sinceMs = Math.round(at - (crashes.findLast((crash) => crash < at) ?? Number.NaN));
      if (kind === "clear" && sinceMs < times * caughtUpWithinMs) {
        clearsAgain++;
        continue;
      }
      if (nth < 0 || leftMs > times * keptWithinMs) {
        faults.push(
          `${name} was ${last.fate} and asked for again ${Math.round(at - last.at)} ms later, ${sinceMs} ms after a crash`,
        );
        continue;
      }
      perCrash[nth] = (perCrash[nth] ?? 0) + 1;
      aroundCrashes++;
      keptAfterMs = Math.max(keptAfterMs, leftMs);
    }
  }
  for (const [i, count] of perCrash.entries())
    if (count > perCrashMax) faults.push(`${count} requests were repeated after crash ${i + 1}`);
  return { faults, figures: { aroundCrashes, afterLostAnswers, afterRefusals, keptAfterMs, clearsAgain } };
}

/** U6: no request for a device arrives once its logout was answered. */
export function judgeLogouts(
  requests: readonly Request[],
  deviceOf: (provider: string, screen: string) => Device | undefined,
  { times }: Lenience,
): readonly string[] {
  return requests.flatMap(({ provider, screen, at }) => {
    const device = deviceOf(provider, screen);
    if (!device) return [`${provider} was asked for ${screen}, which no user registered`];
    const lateMs = device.loggedOutAt === null ? 0 : at - device.loggedOutAt;
    return lateMs > times * onItsWayMs
      ? [`${device.user} ${device.name} was notified ${Math.round(lateMs)} ms after its logout`]
      : [];
  });
}
