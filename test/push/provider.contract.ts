import { describe, expect, test } from "bun:test";
import type { Identity } from "../../src/model.ts";
import type { PushNotice, PushProvider, PushResult } from "../../src/push/provider.ts";
import type { Screen } from "./fake/display.ts";
import { deadline } from "../support/deadline.ts";
import { until } from "../support/fake-socket.ts";

/**
 * The answer of a fake. `busy`: 429 with Retry-After of 7 seconds. `down`: 503 with Retry-After at 90 seconds after `nowMs`, as a
 * date. `tooLarge`: that provider's answer to a content that is too long. `lost`: it accepts the notice, and ends the connection without an answer. `redirect`: 302 to a server that no request may reach.
 */
export type CommonFault = "busy" | "down" | "lost" | "dead" | "refused" | "tooLarge" | "hang" | "redirect";

/** A device as a fake knows it. */
export type SubjectDevice = {
  /** Its registration. */
  readonly push: Readonly<Record<string, unknown>>;
  readonly identity: Identity;
  screen(): Screen;
};

/** A provider, and the fake that it sends to. */
export type Subject = {
  readonly provider: PushProvider;
  /** A new device with a unique `name`. */
  device(name: string): SubjectDevice;
  /** The faults of the next notices, one each; later ones succeed. */
  suffer(...faults: CommonFault[]): void;
  /** Requests with a notice so far. */
  requests(): number;
  /** Rules of the provider that requests have broken. */
  violations(): readonly string[];
  /** The texts that no answer may contain, beside the devices' tokens. */
  secrets(): readonly string[];
  close(): Promise<void>;
};

export type Traits = {
  /** Whether a repeat with the same key does not alert again. */
  readonly isRepeatSilent: boolean;
  /** The limit of title, body and data together; null: none that is worth a test. */
  readonly bytesMax: number | null;
  /** False: it cannot report a dead address, only refuse. */
  readonly tellsDead?: false;
  /** How long to wait for the end of a send after its signal was aborted. Controls wait less, because there it does not end. */
  readonly endsWithinMs?: number;
};

/** 2026-06-06 12:00:00 UTC: the current time of a subject. */
export const nowMs = Date.UTC(2026, 5, 6, 12, 0, 0);
const alice: Identity = { tenant: "default", user: "alice" };
const tagOf = (conversation: string): string => conversation.padEnd(32, "_");

export function noticeFor(
  provider: PushProvider,
  device: SubjectDevice,
  changes: Partial<PushNotice> = {},
): PushNotice {
  const address = provider.parse(device.push, device.identity);
  if (address === null) throw new Error("The provider does not take the address of its own device");
  const conversation = changes.conversation ?? "cAliceBob";
  return {
    kind: "message",
    tenant: device.identity.tenant,
    user: device.identity.user,
    device: "phone",
    token: address.token,
    conversation,
    seq: 7,
    unread: 2,
    badge: 3,
    title: "bob",
    body: "2 new messages",
    data: {},
    options: {},
    key: crypto.randomUUID(),
    tag: tagOf(conversation),
    ttlMs: 3_600_000,
    ...changes,
  };
}

/** The clear of a notice. */
const cleared = (notice: PushNotice): PushNotice => ({
  ...notice,
  kind: "clear",
  title: "",
  body: "",
  unread: 0,
  badge: 1,
  key: crypto.randomUUID(),
});

const patience = (): AbortSignal => AbortSignal.timeout(deadline.answerMs);

export const send = (provider: PushProvider, notice: PushNotice, signal = patience()): Promise<PushResult> =>
  provider.send(notice, { now: () => nowMs, signal });

/** The answer, or the error that causes another try. */
async function outcome(provider: PushProvider, notice: PushNotice, signal?: AbortSignal): Promise<PushResult | Error> {
  try {
    return await send(provider, notice, signal);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** The same with a service that hangs: once the request has arrived there, the signal is aborted, and the send must end too. */
async function interrupted(
  { provider, requests }: Subject,
  notice: PushNotice,
  endsWithinMs: number = deadline.answerMs,
): Promise<PushResult | Error> {
  const patience = new AbortController();
  const before = requests();
  let isOver = false;
  const sending = outcome(provider, notice, patience.signal).finally(() => (isOver = true));
  await until(() => isOver || requests() > before, "a request");
  patience.abort(new DOMException("The operation timed out.", "TimeoutError"));
  await until(() => isOver, "the end of a send whose signal has ended", endsWithinMs);
  return await sending;
}

const typeOf = (one: PushResult | Error): string => (one instanceof Error ? "retry" : one.type);

type Check = { readonly name: string; readonly run: (subject: Subject, traits: Traits) => Promise<void> };

/** The rules of all providers. Each check runs with a new subject; its fake must have found no violation in the end. */
const checks: readonly Check[] = [
  {
    name: "a notice is shown with its badge, and the app gets its data",
    async run({ provider, device }) {
      const phone = device("phone");
      const notice = noticeFor(provider, phone, { data: { room: "7" } });
      expect((await send(provider, notice)).type).toBe("sent");
      const { notifications, badge, alerts } = phone.screen();
      expect([...notifications.keys()]).toEqual([notice.tag]);
      const { conversation, tag } = notice;
      expect(notifications.get(notice.tag)).toEqual({
        seq: 7,
        title: "bob",
        body: "2 new messages",
        data: { room: "7", conversation, tag, seq: "7", unread: "2", badge: "3", kind: "message" },
        times: 1,
      });
      expect({ badge, alerts }).toEqual({ badge: 3, alerts: 1 });
    },
  },
  {
    name: "a newer notice of a conversation replaces the older one, and not those of other conversations",
    async run({ provider, device }) {
      const phone = device("phone");
      for (const [conversation, seq] of [
        ["cAliceBob", 7],
        ["cAliceCarol", 1],
        ["cAliceBob", 9],
      ] as const)
        await send(provider, noticeFor(provider, phone, { conversation, seq }));
      const { notifications, alerts } = phone.screen();
      expect(notifications.size).toBe(2);
      expect(notifications.get(tagOf("cAliceBob"))).toMatchObject({ seq: 9, times: 2 });
      expect(notifications.get(tagOf("cAliceCarol"))).toMatchObject({ seq: 1, times: 1 });
      expect(alerts).toBe(3);
    },
  },
  {
    name: "a clear removes the notification of its conversation without an alert",
    async run({ provider, device }) {
      const phone = device("phone");
      const notice = noticeFor(provider, phone);
      await send(provider, notice);
      await send(provider, noticeFor(provider, phone, { conversation: "cAliceCarol" }));
      expect((await send(provider, cleared(notice))).type).toBe("sent");
      const { notifications, badge, alerts } = phone.screen();
      expect([...notifications.keys()]).toEqual([tagOf("cAliceCarol")]);
      expect({ badge, alerts }).toEqual({ badge: 1, alerts: 2 });
    },
  },
  {
    name: "each device gets its own notices, also when many are sent at once",
    async run({ provider, device }) {
      const phones = ["one", "two", "three", "four"].map(device);
      const sent = await Promise.all(
        phones.map((phone, seq) => send(provider, noticeFor(provider, phone, { seq, title: `for ${seq}` }))),
      );
      expect(sent.map(({ type }) => type)).toEqual(["sent", "sent", "sent", "sent"]);
      for (const [seq, phone] of phones.entries())
        expect([...phone.screen().notifications.values()]).toMatchObject([{ seq, title: `for ${seq}`, times: 1 }]);
    },
  },
  {
    name: "Retry-After is honoured, in seconds and as a date",
    async run({ provider, device, suffer }) {
      const notice = noticeFor(provider, device("phone"));
      suffer("busy", "down");
      expect(await send(provider, notice)).toMatchObject({ type: "retry", afterMs: 7_000 });
      expect(await send(provider, notice)).toMatchObject({ type: "retry", afterMs: 90_000 });
      expect((await send(provider, notice)).type).toBe("sent");
    },
  },
  {
    name: "a notice is repeated after a lost answer, and shown once",
    async run({ provider, device, suffer }, { isRepeatSilent }) {
      const phone = device("phone");
      const notice = noticeFor(provider, phone);
      suffer("lost");
      expect(typeOf(await outcome(provider, notice))).toBe("retry");
      expect((await send(provider, notice)).type).toBe("sent");
      const { notifications, alerts } = phone.screen();
      expect([...notifications.keys()]).toEqual([notice.tag]);
      expect(alerts).toBe(isRepeatSilent ? 1 : 2);
    },
  },
  {
    name: "a dead address is distinguished from a refused request",
    async run({ provider, device, suffer }, { tellsDead = true }) {
      const phone = device("phone");
      const notice = noticeFor(provider, phone);
      suffer("dead", "refused");
      expect((await send(provider, notice)).type).toBe(tellsDead ? "dead" : "failed");
      expect((await send(provider, notice)).type).toBe("failed");
      expect(phone.screen().alerts).toBe(0);
    },
  },
  {
    name: "a send ends with its signal",
    async run(subject, { endsWithinMs }) {
      const { provider, device, suffer } = subject;
      const notice = noticeFor(provider, device("phone"));
      suffer("hang");
      expect(typeOf(await interrupted(subject, notice, endsWithinMs))).toBe("retry");
      expect((await send(provider, notice)).type).toBe("sent");
    },
  },
  {
    name: "nothing is sent after the signal is aborted",
    async run({ provider, device, requests }) {
      const notice = noticeFor(provider, device("phone"));
      expect(typeOf(await outcome(provider, notice, AbortSignal.abort()))).toBe("retry");
      expect(requests()).toBe(0);
    },
  },
  {
    name: "a redirect is not followed, and fails finally",
    async run({ provider, device, suffer, requests }) {
      const notice = noticeFor(provider, device("phone"));
      suffer("redirect");
      expect((await send(provider, notice)).type).toBe("failed");
      expect(requests()).toBe(1);
    },
  },
  {
    name: "the host's data is passed on, and replaces none of ours",
    async run({ provider, device }) {
      const phone = device("phone");
      const data = {
        conversation: "evil",
        seq: "999",
        unread: "99",
        badge: "99",
        tag: "evil",
        kind: "clear",
        room: "7",
        constructor: "x",
      };
      const notice = noticeFor(provider, phone, { data });
      expect((await send(provider, notice)).type).toBe("sent");
      const { notifications, badge } = phone.screen();
      const { conversation, tag } = notice;
      const ours = { conversation, tag, seq: "7", unread: "2", badge: "3", kind: "message" };
      expect(notifications.get(tag)).toMatchObject({ seq: 7, data: { ...ours, room: "7", constructor: "x" } });
      expect(badge).toBe(3);
    },
  },
  {
    name: "an answer is one short line without tokens and keys",
    async run(subject) {
      const { provider, device, suffer, secrets } = subject;
      const notice = noticeFor(provider, device("phone"));
      const said: string[] = [];
      for (const fault of [null, "busy", "down", "dead", "refused", "redirect", "lost", "hang"] as const) {
        if (fault !== null) suffer(fault);
        const again = { ...notice, key: crypto.randomUUID() };
        const ended = await (fault === "hang" ? interrupted(subject, again) : outcome(provider, again));
        if (ended instanceof Error) said.push(Bun.inspect(ended));
        else {
          expect(ended.answer).toMatch(/^\P{Cc}{1,200}$/u);
          said.push(ended.answer);
        }
      }
      expect(said.length).toBe(8);
      const [, token = notice.token] = /^(?:external|subscription):(.*)$/.exec(notice.token) ?? [];
      for (const text of said)
        for (const secret of [notice.token, token, ...secrets()]) expect(text.includes(secret)).toBe(false);
    },
  },
  {
    name: "titles, texts and data arrive unchanged, in any script",
    async run({ provider, device }) {
      const phone = device("phone");
      const title = 'سارة "<b>" \\ 👩‍👩‍👧‍👦';
      const body = "שלום, 世界! é e\u0301 \u202Eabc & line\nbreak";
      const notice = noticeFor(provider, phone, { title, body, data: { näme: "wért 👍" } });
      expect((await send(provider, notice)).type).toBe("sent");
      expect(phone.screen().notifications.get(notice.tag)).toMatchObject({ title, body, data: { näme: "wért 👍" } });
    },
  },
  {
    name: "a content above the limit is refused before it is sent; one at the limit is sent",
    async run({ provider, device, requests }, { bytesMax }) {
      if (bytesMax === null) return;
      const phone = device("phone");
      const filled = (chars: number): PushNotice => noticeFor(provider, phone, { body: "x".repeat(chars) });
      for (const changes of [
        { data: { fill: "x".repeat(bytesMax) } },
        { title: "é".repeat(bytesMax / 2) },
        { body: "x".repeat(bytesMax) },
      ]) {
        const result = await send(provider, noticeFor(provider, phone, changes));
        expect(result.type).toBe("unfit");
        expect(result.answer).toContain("too large");
        expect(provider.fits?.(noticeFor(provider, phone, changes))).toBe(false);
      }
      expect(requests()).toBe(0);
      // The provider's own limit: the fake refuses one that is too high, and it must not be much too low.
      let [fits, bursts] = [0, bytesMax];
      while (bursts - fits > 1) {
        const middle = (fits + bursts) >> 1;
        if ((await send(provider, filled(middle))).type === "sent") fits = middle;
        else bursts = middle;
      }
      expect(fits).toBeGreaterThan(0.8 * bytesMax);
      expect([fits, bursts].map((chars) => provider.fits?.(filled(chars)))).toEqual([true, false]);
    },
  },
  {
    name: "a content that it refuses as too long may be sent again with less, under the same key",
    async run({ provider, device, suffer }) {
      const phone = device("phone");
      const notice = noticeFor(provider, phone, { body: "a long text" });
      suffer("tooLarge");
      expect((await send(provider, notice)).type).toBe("unfit");
      expect(phone.screen().alerts).toBe(0);
      expect((await send(provider, { ...notice, body: "" })).type).toBe("sent");
      expect([...phone.screen().notifications.values()]).toMatchObject([{ times: 1 }]);
    },
  },
  {
    name: "an address has the form that the provider expects, and no other fields",
    async run({ provider, device }) {
      const { push, identity } = device("phone");
      const address = provider.parse(push, identity);
      expect(typeof address?.token === "string" && address.token !== "").toBe(true);
      expect(provider.parse(push, identity)).toEqual(address);
      const junk: Record<string, unknown>[] = [
        { ...push, evil: 1 },
        { ...push, constructor: {} },
        { token: 5 },
        { token: null },
        { token: "" },
        { token: [] },
        { token: {} },
        { token: "with blank" },
        { token: "line\nbreak" },
        { token: "x".repeat(10_000) },
      ];
      for (const one of junk) expect(provider.parse(one, alice)).toBeNull();
    },
  },
];

/** Runs one check with a new subject, and asks its fake in the end. */
async function runCheck(check: Check, open: () => Promise<Subject>, traits: Traits): Promise<void> {
  const subject = await open();
  try {
    await check.run(subject, traits);
    expect(subject.violations()).toEqual([]);
  } finally {
    await subject.close();
  }
}

/** The tests of a provider. */
export function describeProvider(name: string, open: () => Promise<Subject>, traits: Traits): void {
  describe(`U12 U13: ${name}`, () => {
    for (const check of checks) test(check.name, () => runCheck(check, open, traits));

    test("it has a name, and describes its addresses", async () => {
      const subject = await open();
      expect(subject.provider.name).toMatch(/^[a-z0-9-]{1,32}$/);
      expect(subject.provider.expects).not.toBe("");
      await subject.close();
    });
  });
}

/** The names of the checks that a provider fails, among those that `which` matches. For controls: a weak provider must be noticed. */
export async function checksFailedBy(
  open: () => Promise<Subject>,
  traits: Traits,
  which = /^/,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const check of checks.filter(({ name }) => which.test(name)))
    await runCheck(check, open, traits).catch(() => {
      failed.push(check.name);
    });
  return failed;
}

/** The same provider with another `send`: a weak one. */
export const weakened =
  (open: () => Promise<Subject>, weaken: (provider: PushProvider) => Partial<PushProvider>) =>
  async (): Promise<Subject> => {
    const subject = await open();
    return { ...subject, provider: { ...subject.provider, ...weaken(subject.provider) } };
  };
