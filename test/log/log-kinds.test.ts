import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { Consequences } from "../../src/log/log-kind.ts";
import {
  applyConsequences,
  encodeChange,
  isChange,
  levelMax,
  levelOf,
  newestInCommit,
} from "../../src/log/log-kinds.ts";
import type { Entry, Kind, LogEntry } from "../../src/model.ts";
import { changes } from "../../src/protocol/server-schema.ts";

const tenant = "acme";
const conversation = "c_2s";

const examples: { readonly [K in Kind]: LogEntry<K> } = {
  message: {
    tenant,
    users: ["alice", "bob"],
    change: {
      ...{ kind: "message", n: 7, conversation, seq: 1, id: "01980000-0000-7000-8000-000000000001" },
      ...{ from: "alice", to: "bob", text: "hi", time: 1 },
    },
  },
  receipt: {
    tenant,
    users: ["bob", "alice"],
    change: { kind: "receipt", n: 8, conversation, user: "bob", delivered: 1, read: 1 },
  },
  relation: {
    tenant,
    users: ["alice"],
    change: { kind: "relation", n: 9, user: "bob", contact: false, blocked: true },
  },
  setting: {
    tenant,
    users: ["alice"],
    change: { kind: "setting", n: 10, conversation, muted: true, until: 1, version: 1 },
  },
  group: {
    tenant,
    users: [],
    group: conversation,
    change: {
      ...{ kind: "group", n: 11, conversation, version: 2, name: "Friends", data: { topic: "tea" } },
      ...{ visibility: "open", history: "all" },
    },
  },
  membership: {
    tenant,
    users: ["alice"],
    change: {
      ...{ kind: "membership", n: 12, conversation, user: "alice", status: "left", role: "admin" },
      ...{ first: 1, next: 4, last: 9, joinedN: 3, untilN: 11, read: 5 },
    },
  },
  revocation: { tenant, users: ["alice"], change: { kind: "revocation", n: 10, user: "alice", reason: "logged out" } },
};

/** Names and arguments of the handlers that an entry calls. */
function consequencesOf(entry: LogEntry): readonly (readonly unknown[])[] {
  const calls: (readonly unknown[])[] = [];
  const handler =
    (name: keyof Consequences) =>
    (...args: readonly unknown[]) =>
      void calls.push([name, ...args]);
  applyConsequences(entry, {
    markPending: handler("markPending"),
    noteRead: handler("noteRead"),
    noteBlock: handler("noteBlock"),
    forgetRelationship: handler("forgetRelationship"),
    revoke: handler("revoke"),
  });
  return calls;
}

describe("kinds of log entry", () => {
  for (const { change } of Object.values<LogEntry>(examples).filter((entry) => isChange(entry.change))) {
    if (!isChange(change)) continue;
    test(`a ${change.kind} is encoded as its schema says, without its n`, () => {
      const sent: unknown = JSON.parse(encodeChange(change));
      expect(v.is(changes[change.kind], sent)).toBe(true);
      expect(sent).not.toHaveProperty("n");
    });
    test(`P50 this release can read the level of a ${change.kind}`, () => {
      expect(levelOf(change)).toBeLessThanOrEqual(levelMax);
    });
  }

  test("T5 devices get every kind but revocations", () => {
    const kinds = Object.values<LogEntry>(examples).filter(({ change }) => !isChange(change));
    expect(kinds.map(({ change }) => change.kind)).toEqual(["revocation"]);
  });

  test("U1 T3 the first message of a conversation notifies its recipient, and changes the relationship of the two", () => {
    const { message } = examples;
    expect(consequencesOf(message)).toEqual([
      ["markPending", { tenant, user: "bob" }, 7],
      ["forgetRelationship", tenant, "alice", "bob"],
    ]);
    const second = { ...message, change: { ...message.change, seq: 2 } };
    expect(consequencesOf(second)).toEqual([["markPending", { tenant, user: "bob" }, 7]]);
  });

  test("U3 a receipt ends notifications only where something was read", () => {
    const { receipt } = examples;
    expect(consequencesOf(receipt)).toEqual([["noteRead", { tenant, ...receipt.change }]]);
    expect(consequencesOf({ ...receipt, change: { ...receipt.change, read: 0 } })).toEqual([]);
  });

  test("U3 T3 a block changes a relationship and ends notifications; its end only changes the relationship", () => {
    const { relation } = examples;
    const changed = ["forgetRelationship", tenant, "alice", "bob"];
    expect(consequencesOf(relation)).toEqual([changed, ["noteBlock", { tenant, user: "alice", other: "bob", n: 9 }]]);
    expect(consequencesOf({ ...relation, change: { ...relation.change, blocked: false } })).toEqual([changed]);
  });

  test("P75 a setting has no consequence on a node: each notification asks for it when it is due", () => {
    expect(consequencesOf(examples.setting)).toEqual([]);
  });

  test("P75 a mute without an end, and one that was ended, have no time", () => {
    const { change } = examples.setting;
    const { until: _, ...endless } = change;
    expect(JSON.parse(encodeChange({ ...endless, muted: false }))).toEqual({
      ...{ kind: "setting", conversation, muted: false, version: 1 },
    });
  });

  test("T5 a revocation ends sessions", () => {
    const { revocation } = examples;
    expect(consequencesOf(revocation)).toEqual([["revoke", tenant, revocation.change]]);
  });

  test("P29 of the receipts of a user in a conversation only the newest of a commit is announced", () => {
    const receiptAt = (n: number, fields: Partial<Entry<"receipt">> = {}): LogEntry => ({
      ...examples.receipt,
      change: { ...examples.receipt.change, n, ...fields },
    });
    const [old, other, newest] = [receiptAt(11), receiptAt(12, { user: "alice" }), receiptAt(13)];
    const rest = [examples.message, examples.relation, examples.revocation];
    expect(newestInCommit([...rest, old, other, newest])).toEqual([...rest, other, newest]);
    expect(newestInCommit(rest)).toEqual(rest);
  });
});
