import type { Vault, Write } from "../../../src/client/vault/contract.ts";
import type { ConversationPatch } from "../../../src/client/vault/merge.ts";
import type { MessageRow, OutboxRow } from "../../../src/client/vault/rows.ts";
import { chance } from "../../support/chance.ts";

export type Step =
  { readonly do: "write"; readonly write: Write } | { readonly do: "evict"; readonly messages: number };

/** Writes of every kind, the same for the same seed. */
export function randomWrites(seed: number, count: number): readonly Step[] {
  const pick = chance(seed);
  const messageRow = (): MessageRow => {
    const conversation = `c${pick(4)}`;
    const seq = 1 + pick(12);
    const version = pick(3);
    const isOwn = (seq + conversation.length) % 3 === 0;
    return {
      conversation,
      seq,
      id: `${conversation}-${seq}`,
      from: isOwn ? "me" : `bob-${conversation}`,
      to: isOwn ? `bob-${conversation}` : "me",
      text: `text ${seq} ${version}`,
      time: seq,
      ...(version > 0 && { version }),
    };
  };
  const patch = (): ConversationPatch => {
    const conversation = `c${pick(5)}`;
    const marks = { read: pick(6), delivered: 6 + pick(6) };
    const user = pick(2) === 0 ? "me" : "bob";
    const news: readonly ConversationPatch[] = [
      { kind: "receipt", conversation, user, self: "me", ...marks },
      {
        kind: "setting",
        conversation,
        muted: pick(2) === 0,
        version: pick(4),
        ...(pick(2) === 0 && { until: pick(9) }),
      },
      { kind: "read", conversation, seq: pick(12) },
      {
        kind: "listed",
        listed: {
          id: conversation,
          with: `bob-${conversation}`,
          lastMessage: { ...messageRow(), conversation },
          unread: pick(3),
          ...marks,
        },
      },
    ];
    return news[pick(news.length)] as ConversationPatch;
  };
  const outbox = (): NonNullable<Write["outbox"]>[number] => {
    const id = `o${pick(5)}`;
    const row = (): OutboxRow => ({
      ...{ id: `o${pick(5)}`, kind: "send", target: { with: "bob" }, text: `t${pick(9)}`, time: pick(9) },
      isTried: false,
    });
    const changes: NonNullable<Write["outbox"]> = [
      { do: "add", row: row() },
      { do: "replace", id, row: row() },
      { do: "try", id },
      { do: "fail", id, failed: { code: "blocked", message: "No" } },
      { do: "retry", id },
      { do: "edit", id, text: `e${pick(9)}` },
      { do: "cancel", id },
    ];
    return changes[pick(changes.length)] as NonNullable<Write["outbox"]>[number];
  };
  const step = (): Step => {
    if (pick(10) === 0) return { do: "evict", messages: pick(5) };
    const messages = Array.from({ length: pick(4) }, messageRow);
    const user = `u${pick(5)}`;
    const write: Write = {
      messages,
      conversations: [
        ...messages.map((message): ConversationPatch => ({ kind: "message", message, self: "me" })),
        ...Array.from({ length: pick(3) }, patch),
      ],
      outbox: Array.from({ length: pick(3) }, outbox),
      ...(pick(20) === 0 && { reset: true as const }),
      ...(pick(4) === 0 && { resets: pick(3) }),
      ...(pick(2) === 0 && {
        cursor: { from: pick(3) === 0 ? null : `k${pick(3)}`, to: `k${pick(3)}`, level: 1 + pick(2) },
      }),
      ...(pick(3) === 0 && { relations: [{ user, contact: pick(2) === 0, blocked: pick(2) === 0 }] }),
      ...(pick(3) === 0 && { drafts: [[`d${pick(3)}`, pick(3) === 0 ? null : `draft ${pick(9)}`]] }),
      ...(pick(4) === 0 && { drafts: [[`d${pick(3)}`, null, [`draft ${pick(9)}`, `draft ${pick(9)}`]]] }),
      ...(pick(3) === 0 && { wishes: [{ key: `contact ${user}`, kind: "contact", user, is: pick(2) === 0 }] }),
      ...(pick(3) === 0 && { granted: [{ key: `contact ${user}`, kind: "contact", user, is: pick(2) === 0 }] }),
    };
    return { do: "write", write };
  };
  return Array.from({ length: count }, step);
}

/** All that a vault of {@link randomWrites} holds. */
export async function readAll(vault: Vault): Promise<unknown> {
  const ids = ["c0", "c1", "c2", "c3", "c4"];
  return {
    boot: await vault.boot(3),
    list: await vault.conversations({ below: 0, limit: 2 }),
    messages: await Promise.all(ids.map((conversation) => vault.messages({ conversation, first: 1, last: 99 }))),
    byUser: await Promise.all(ids.map((id) => vault.conversation({ with: `bob-${id}` }))),
    byId: await Promise.all(ids.map((id) => vault.conversation({ id }))),
    relations: await vault.relations(),
    drafts: await Promise.all(["d0", "d1", "d2"].map((key) => vault.draft(key))),
  };
}
