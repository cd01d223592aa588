import type { PushNotice, PushProvider, PushResult } from "../../../src/push/provider.ts";
import { blocksIn } from "./blocks.ts";
import type { Chance } from "./chance.ts";
import { claimsIn } from "./claims.ts";
import { createLooks, type Look } from "./push-looks.ts";
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";

/** Faults of a world's providers: probabilities per request, and the time that one takes. */
export type PushFaults = {
  /** `user`: it also reaches users without a registration. */
  readonly providers: readonly { readonly name: string; readonly reach: "device" | "user" }[];
  readonly retries: number;
  readonly throws: number;
  /** Neither taken nor answered. */
  readonly hangs: number;
  /** Taken, and never answered. */
  readonly losesAnswer: number;
  readonly refuses: number;
  readonly saysDead: number;
  readonly answerMs: number;
  /** Whether a repeated key is dropped; otherwise its notification is shown again. */
  readonly isIdempotent: boolean;
};

export const noPushFaults = { retries: 0, throws: 0, hangs: 0, losesAnswer: 0, refuses: 0, saysDead: 0 } as const;

type Outcome = PushResult["type"] | "throw" | "hang" | "lost";

/** One request to a provider, and its outcome. */
export type Request = {
  readonly notice: PushNotice;
  readonly look: Look;
  readonly process: SimProcess;
  /** How often the worker's lease had been taken until then; -1: by a worker of an earlier history. */
  readonly takeovers: number;
  /** The history that it was read from. */
  readonly generation: number;
  /** Whether a worker of an earlier history may have sent it: then no current worker knows that it was sent. */
  readonly isDoubtful: boolean;
  readonly at: number;
  readonly outcome: Outcome;
  /** When its sender gets the answer at the latest, if it waits. */
  readonly endsAt: number;
  /** Whether its sender waited until then. */
  readonly isAwaited: boolean;
};

/** The notification that a device shows for a conversation. */
export type Shown = { readonly seq: number; readonly request: Request };

/** The requests for one address, and the notifications that it shows, by conversation. */
export type Screen = { readonly shown: Map<string, Shown>; readonly requests: Request[] };

export type Phones = ReturnType<typeof createPhones>;

/** A request reaches its provider within this time, which is shorter than a lease that is not renewed. */
const wayMsMax = 100;
/** An answer this close to its deadline may come too late: its two ways are rounded. */
const roundingMs = 2;
const minuteMs = 60_000;

const known = new WeakMap<World, Phones>();

/** The providers of a world, and the screens of the devices that they notify. */
export function phonesIn(world: World): Phones {
  const phones = known.get(world) ?? createPhones(world);
  known.set(world, phones);
  return phones;
}

/** Whether quiet hours, in UTC, hold now; by minutes of the day. */
export function isQuiet(hours: string, now: number): boolean {
  const { from, to } = JSON.parse(hours) as { readonly from: string; readonly to: string };
  const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const [start, end, at] = [minutes(from), minutes(to), Math.floor(now / minuteMs) % 1_440];
  return start === end || (start < end ? at >= start && at < end : at >= start || at < end);
}

function createPhones(world: World) {
  const { timeline, problem, histories } = world;
  const looks = createLooks(timeline);
  const chance = world.chance("phones");
  const screens = new Map<string, Screen>();
  const byKey = new Map<string, Request>();
  const keys = new Map<string, string>();
  const taken = new Set<string>();
  const down = new Map<string, number>();
  let notify = (_: Request): void => {};
  let restoredAt = -Infinity;
  /** A slow server's read is repeated, and the answer may be from either of the two looks. */
  const areReadsDoubled = world.plan.engine === "remote" && (world.plan.faults.slowReads ?? 0) > 0;

  function screenOf(name: string): Screen {
    const screen = screens.get(name) ?? { shown: new Map<string, Shown>(), requests: [] };
    screens.set(name, screen);
    return screen;
  }

  /** Whether this may be sent now, by the facts that its sender could see when it looked. */
  function judgeDecision(
    { kind, tenant, user, device, token, seq, ...notice }: PushNotice,
    look: Look,
    now: number,
  ): void {
    const sent = `${look.name} was sent ${kind} ${seq} of ${notice.conversation}`;
    const place = { tenant, user, device, provider: look.provider };
    if (device !== "" && !claimsIn(world).mayBeRegistered(place, token, look.at))
      problem("U6", `${sent}: ${token} is not theirs`);
    if (look.expires !== null && look.expires <= now) problem("U6", `${sent}: it has expired`);
    if (notice.unread !== look.unread) problem("U3", `${sent}: ${notice.unread} unread, not ${look.unread}`);
    if (kind === "clear") {
      // The notification of a blocked sender must go, read or not.
      if (look.read < seq && !look.isBlocked) problem("U3", `${sent}: read is ${look.read}`);
      return;
    }
    if (`${notice.title}${notice.body}${JSON.stringify(notice.data)}` !== "New message{}")
      problem("U4", `${sent}: ${JSON.stringify(notice)}`);
    if (seq !== look.seq) problem("U3", `${sent}: ${look.seq} was the newest`);
    if (look.isAcked) problem("U2", `${sent}: the device had it`);
    if (look.read >= seq) problem("U2", `${sent}: it was read`);
    if (look.isBlocked) problem("U2", `${sent}: ${look.from} is blocked`);
    if (blocksIn(world).isInForce(`${tenant}/${user}`, look.from, look.at, look.at))
      problem("U2", `${sent}: ${look.from} is behind a block`);
    if (look.isOff || (look.mutedUntil !== null && look.mutedUntil > now)) problem("U9", `${sent}: it is muted`);
    if (look.quietHours !== null && isQuiet(look.quietHours, now)) problem("U9", `${sent}: it is a quiet hour`);
  }

  /** Whether this may be requested now, given the earlier requests. */
  function judgeRepeat({ kind, key, seq, conversation, token }: PushNotice, look: Look, isStray: boolean): void {
    // A user without a registration gets a new address with the next message.
    const isAnyDevice = look.device === "";
    const address = isAnyDevice ? `${look.key} ` : "";
    // After a restore another message may have the seq of a sent one, and a read may be of another message.
    const one = kind === "message" ? look.id : look.history;
    const what = `${address}${look.tenant}/${look.user}/${look.device} ${look.provider} ${token} ${kind} ${conversation} ${seq} ${one}`;
    // A worker of an earlier history may use the name of that one.
    if (kind === "message" || !isEnding()) {
      if ((keys.get(what) ?? key) !== key) problem("U5", `${what} has another key than before`);
      if ((keys.get(key) ?? what) !== what) problem("U5", `${what} has the key of ${keys.get(key)}`);
      keys.set(what, key);
      keys.set(key, what);
    }
    // It does not know the requests of the lease's new holder.
    if (isStray) return;
    for (const request of screenOf(look.name).requests)
      if (
        request.takeovers === looks.takeovers() &&
        request.notice.conversation === conversation &&
        request.endsAt > timeline.now()
      )
        problem("U5", `${what} is asked for while ${request.notice.kind} ${request.notice.seq} is under way`);
    const before = byKey.get(key);
    if (!before || before.takeovers !== looks.takeovers()) return;
    const isRenewed = isAnyDevice || claimsIn(world).isRenewed(look, token, before.look.at);
    const isAnswered =
      before.outcome === "sent" || before.outcome === "failed" || (before.outcome === "dead" && !isRenewed);
    if (isAnswered && before.isAwaited) problem("U5", `${what} was answered ${before.outcome}, and is asked for again`);
  }

  /** A worker of an earlier history may not know yet that this has ended, and trusts its lease for a while. */
  const isEnding = (): boolean =>
    histories.gap() !== null ||
    histories.isUnclear() ||
    timeline.now() < restoredAt + world.faults().limits.pushLeaseMs;

  /** Whether a worker sends what it saw in an earlier history, or holds its lease from there: it trusts that for a part of its time. */
  const isOfBefore = (process: SimProcess, look: Look): boolean => look.at < restoredAt || looks.holder() !== process;

  function show(request: Request): void {
    const { notice, look, generation } = request;
    // A restore removed its message, and the app drops it.
    if (generation !== histories.generation()) return;
    const isRepeat = taken.has(notice.key);
    if (isRepeat && world.plan.faults.push.isIdempotent) return;
    taken.add(notice.key);
    const { shown } = screenOf(look.name);
    const before = shown.get(notice.conversation);
    if (before && before.seq > notice.seq) {
      // After a crash between an answer and its commit no worker knows of the newer one, which the device keeps.
      if (notice.kind === "clear" && before.request.takeovers < request.takeovers) return;
      // The same between a worker of an earlier history and the current one.
      if (before.request.takeovers === -1 || request.takeovers === -1) return;
      problem(
        "U3",
        `${look.name} shows ${before.seq} of ${notice.conversation}, and is sent ${notice.kind} ${notice.seq}`,
      );
    }
    if (notice.kind === "clear") shown.delete(notice.conversation);
    else shown.set(notice.conversation, { seq: notice.seq, request });
  }

  function draw(provider: string): Outcome {
    const { retries, throws, hangs, losesAnswer, refuses, saysDead } = world.faults().push;
    if ((down.get(provider) ?? 0) > timeline.now() && !world.isResting()) return "retry";
    let at = chance.unit();
    const odds = {
      retry: retries,
      throw: throws,
      hang: hangs,
      lost: losesAnswer,
      failed: refuses,
      dead: saysDead,
    } as const;
    for (const [outcome, odd] of Object.entries(odds)) if ((at -= odd) < 0) return outcome as keyof typeof odds;
    return "sent";
  }

  /** A provider as one node's process calls it. */
  function providerFor(process: SimProcess, name: string, reach: "device" | "user"): PushProvider {
    return {
      name,
      reach,
      expects: "a token",
      parse: ({ token, expiresAt }) =>
        typeof token === "string" ? { token, ...(typeof expiresAt === "number" && { expiresAt }) } : null,
      send(notice) {
        const { tenant, user, device, token, conversation } = notice;
        const look = looks
          .last(process, name)
          .find(
            (each) =>
              each.tenant === tenant &&
              each.user === user &&
              each.device === device &&
              each.token === token &&
              each.conversation === conversation,
          );
        // Two workers of one process look then, and either look may be the one that counts.
        const isJudged = (histories.generation() === 0 || !isEnding()) && !areReadsDoubled;
        if (!look && !isJudged) return Promise.resolve({ type: "retry", answer: "no look" });
        if (!look) {
          problem("U2", `${JSON.stringify(notice)} was sent without a look`);
          return Promise.resolve({ type: "failed", answer: "no look" });
        }
        if (looks.holder() !== process && look.at >= restoredAt && !isEnding())
          problem("U8", `${look.name} was sent ${notice.seq} by a worker that had lost its lease`);
        if (isJudged) judgeDecision(notice, look, process.clock.now());
        const isStray = isOfBefore(process, look);
        judgeRepeat(notice, look, isStray);
        return ask(notice, look, isStray);
      },
    };

    async function ask(notice: PushNotice, look: Look, isStray: boolean): Promise<PushResult> {
      const outcome = draw(name);
      const { answerMs } = world.faults().push;
      const wayMs = chance.unit() * Math.min(answerMs, wayMsMax);
      const totalMs = wayMs + chance.unit() * answerMs;
      const isAnswered = outcome !== "hang" && outcome !== "lost";
      const isAwaited = isAnswered && totalMs < pushAnswerMs - roundingMs;
      const request: Request = {
        ...{ notice, look, process, outcome, isAwaited },
        takeovers: isStray ? -1 : looks.takeovers(),
        generation: look.at < restoredAt ? -1 : histories.generation(),
        isDoubtful: histories.gap() !== null || (histories.generation() > 0 && looks.holder() !== process),
        at: timeline.now(),
        endsAt: timeline.now() + (isAwaited ? totalMs : pushAnswerMs - roundingMs),
      };
      byKey.set(notice.key, request);
      screenOf(look.name).requests.push(request);
      notify(request);
      if (outcome === "sent" || outcome === "lost") void timeline.after(wayMs, () => show(request));
      if (!isAnswered) return await new Promise(() => {});
      const afterMs = chance.pick([null, null, 0, 200, 2_000]);
      await new Promise<void>((resolve) => void timeline.after(totalMs, () => process.run(resolve)));
      if (outcome === "throw") throw new Error("planted: the provider throws");
      return { type: outcome, answer: outcome, ...(outcome === "retry" && afterMs !== null && { afterMs }) };
    }
  }

  return {
    looks,
    screens: (): ReadonlyMap<string, Screen> => screens,
    providersFor: (process: SimProcess): readonly PushProvider[] =>
      world.plan.faults.push.providers.map(({ name, reach }) => providerFor(process, name, reach)),
    /** Calls the listener for each request, when it is on its way. */
    onRequest: (listener: (request: Request) => void): void => void (notify = listener),
    /** The database was restored: the screens show an earlier history. */
    restore(): void {
      restoredAt = timeline.now();
      looks.restore();
      for (const { shown } of screens.values()) shown.clear();
    },
    /** A provider takes nothing for this long. */
    close(pick: Chance, ms: number): void {
      down.set(pick.pick(world.plan.faults.push.providers).name, timeline.now() + ms);
    },
  };
}

/** How long a worker waits for an answer, in every world. */
export const pushAnswerMs = 800;
