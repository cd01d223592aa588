import { expect, test } from "bun:test";
import type { Verdict } from "../../../src/access/policy.ts";
import type { HandlerContext } from "../../../src/hub/frame/handler.ts";
import { typing } from "../../../src/hub/frame/typing.ts";
import type { Identity } from "../../../src/model.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";

const session = { tenant: "t", user: "alice" };
const none = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: true };

/** Conversation c1 is of alice and bob, c2 of two others, c3 of alice and herself. */
async function type(
  target: { to?: string; conversation?: string },
  { verdict = "allowed", isBlocked = false }: { verdict?: Verdict; isBlocked?: boolean } = {},
) {
  const sent: unknown[] = [];
  const members: Record<string, string[]> = { c1: ["alice", "bob"], c2: ["carol", "dave"], c3: ["alice"] };
  const context = {
    store: {
      direct: async (_tenant: string, _user: string, other: string) => (other === "bob" ? "c1" : null),
      members: async (_tenant: string, conversation: string) => members[conversation] ?? null,
      groups: { members: async () => null },
    },
    relationships: { of: async (_identity: unknown, others: string[]) => others.map(() => ({ ...none, isBlocked })) },
    policy: { decide: async () => verdict },
    limits: defaultLimits,
    sendVolatile: ({ tenant, user }: Identity, text: string) => void sent.push([tenant, user, JSON.parse(text)]),
  } as unknown as HandlerContext;
  const frame = { type: "typing", typing: true, ...target } as Parameters<typeof typing>[1];
  return { answer: await typing({ session }, frame, context), sent };
}
const frame = { type: "typing", conversation: "c1", user: "alice", typing: true };

test("H12 P31 typing goes to the other user of the conversation, by its id or by their name, without an answer", async () => {
  const reached = { answer: undefined, sent: [["t", "bob", frame]] } as const;
  expect(await type({ conversation: "c1" })).toEqual(reached as never);
  expect(await type({ to: "bob" })).toEqual(reached as never);
});

test("H12 it goes nowhere where there is no conversation yet, and across a block, without a sign", async () => {
  expect(await type({ to: "eve" })).toEqual({ answer: undefined, sent: [] });
  expect(await type({ conversation: "c1" }, { isBlocked: true })).toEqual({ answer: undefined, sent: [] });
});

test("P31 typing in the conversation with oneself goes nowhere, and the host is not asked", async () => {
  expect(await type({ conversation: "c3" }, { verdict: "forbidden" })).toEqual({ answer: undefined, sent: [] });
});

test("P22 P31 a conversation of others, one that does not exist, and oneself are refused", async () => {
  const answers = await Promise.all([
    type({ conversation: "c2" }),
    type({ conversation: "c9" }),
    type({ to: "alice" }),
  ]);
  expect(answers.map(({ answer, sent }) => [answer?.type === "error" && answer.code, sent.length])).toEqual([
    ["not_found", 0],
    ["not_found", 0],
    ["invalid_recipient", 0],
  ]);
});

test("B9 what the host's rule refuses is not sent", async () => {
  for (const verdict of ["forbidden", "unavailable"] as const)
    expect(await type({ conversation: "c1" }, { verdict })).toMatchObject({
      answer: { type: "error", code: verdict },
      sent: [],
    });
});
