import type { OnPush } from "../../../src/push/preview.ts";
import type { PushNotice } from "../../../src/push/provider.ts";
import { createPhones, sent } from "../../push/support/phone.ts";
import type { Received } from "./world.ts";

/** Whether it came by a provider, and not by a socket or an answer. */
export const isPush = ({ slot }: Received): boolean => slot.includes(" push ");

/** Two providers that record their requests: one needs an address, and one reaches every user. */
export function createPushing(record: (slot: string, notice: object) => void) {
  const answer = (name: string) => (notice: PushNotice, tries: number) => {
    const { tenant, user, device, ttlMs: _, ...what } = notice;
    record(`${tenant} ${user} ${device || "any"} push ${name}`, what);
    // A user with a dead address at the hook is reached there without one, at once or with the next message.
    if (name === "phones" && notice.token === "phone3" && notice.seq % 3 === 2)
      return { type: "dead", answer: "gone" } as const;
    return tries === 1 && notice.seq % 4 === 1 ? ({ type: "retry", answer: "busy" } as const) : sent;
  };
  const [phones, hook] = [
    createPhones("phones", answer("phones")),
    createPhones("hook", answer("hook"), { reach: "user" }),
  ];
  /** The host shows the message, so that it is judged too; and refuses a few. */
  const onPush: OnPush = ({ message, ...draft }) =>
    message.text === "two" && draft.seq % 5 === 4
      ? null
      : { ...draft, message, title: message.from, body: message.text, data: { message: message.id } };
  // Both tenants draw from the same tokens. Where a token has one place in the database, knowing it is owning it.
  return { providers: [phones.provider, hook.provider], onPush, accountsPerDevice: "several" as const };
}

/** Quiet hours that have begun, and end within a few minutes; or that ended long ago. */
export function hoursOf(now: number, isNow: boolean): object {
  const time = (minutes: number): string => new Date(now + minutes * 60_000).toISOString().slice(11, 16);
  return isNow ? { from: time(-5), to: time(3), timeZone: "UTC" } : { from: time(-90), to: time(-30), timeZone: "UTC" };
}

/** The reasons of the decisions without their times: two notifications that are due at one time delay each other a little. */
export function explanationsOf(body: object | null): object | null {
  const { messages } = (body ?? {}) as { readonly messages?: readonly { readonly decisions: readonly object[] }[] };
  if (messages === undefined) return body;
  return {
    messages: messages.map(({ decisions, ...message }) => ({
      ...message,
      decisions: decisions.map(({ ...decision }) => JSON.stringify(decision, withoutTimes)).toSorted(),
    })),
  };
}

const withoutTimes = (name: string, value: unknown): unknown =>
  ["time", "until", "clearedAt"].includes(name) ? "then" : value;
