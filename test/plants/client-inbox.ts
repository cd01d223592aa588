import type { Plants } from "./plant.ts";

export const clientInbox = {
  "an accepted message is not stored": {
    rule: "J5",
    file: "client/sync/inbox-write.ts",
    from: 'addMessage({ conversation, seq, id, from: self, ...(typeof to === "string" && { to }), text, time });',
    to: "void [conversation, seq, text, time, to];",
  },
  "a cursor is stored before its rows": {
    rule: "J5",
    file: "client/sync/inbox.ts",
    from: "const written = await keeper.write({ ...change, resets },",
    to: 'if (cursor !== undefined) await keeper.write({ cursor }, "relaxed"); const written = await keeper.write({ ...change, resets },',
  },
  "a cursor is acked before it is stored": {
    rule: "J5",
    file: "client/sync/inbox.ts",
    from: "of.frames.push(frame);",
    to: 'of.frames.push(frame); if (frame.type === "changes") link.send({ type: "ack", cursor: frame.cursor });',
  },
  "the first cursor of a device may be lost": {
    rule: "J5",
    file: "client/sync/inbox.ts",
    from: 'of.cursor === null ? "strict" : "relaxed"',
    to: '"relaxed"',
  },
  "a connection begins at what was acked": {
    rule: "J5",
    file: "client/link/socket.ts",
    from: "{ ...position, ticket,",
    to: "{ ...position, cursor: null, ticket,",
  },
  "a cursor moves from any other": {
    rule: "J56",
    file: "client/vault/resolve.ts",
    from: "cursor !== undefined && (write.reset === true || meta.cursor === cursor.from || meta.cursor === cursor.to);",
    to: "cursor !== undefined;",
  },
  "pages that came before the first cursor are kept": {
    rule: "J94",
    file: "client/early-pages.ts",
    from: "if (history === undefined || history === of) return true;",
    to: "void of; return true;",
  },
  "ranges are wider before the messages are there": {
    rule: "J7",
    file: "client/sync/history.ts",
    from: "if (page === null) return null;\n      const { messages } = page;",
    to: 'if (page === null) return null; const { messages } = page; if (messages.length > 0) await keeper.write({ conversations: [{ kind: "held", conversation: row.id, first: messages[0]?.seq ?? 1, last: messages.at(-1)?.seq ?? 1 }] }, "relaxed");',
  },
  "a message that comes again is counted again": {
    rule: "J9",
    file: "client/vault/merge.ts",
    from: "if (seq <= known.counted) {",
    to: "if (seq <= known.own.read) {",
  },
  "news of a conversation that is not known is dropped": {
    rule: "J9 J50",
    file: "client/vault/resolve.ts",
    from: "const all = [...merged.values()];",
    to: "const all = [...merged.values()].filter(({ last }) => last);",
  },
  "a conversation that only news has told of is not asked for": {
    rule: "J102",
    file: "client/sync/counts.ts",
    from: "(row.isExact && row.isListed !== false)",
    to: "row.isExact",
  },
  "a reset drops what waits to be sent": {
    rule: "J10 J91",
    file: "client/sync/cache.ts",
    from: "forget();\n        resets =",
    to: "forget();\n        pending.clear();\n        resets =",
  },
  "a read mark is forgotten once it was sent": {
    rule: "J9",
    file: "client/sync/wishes.ts",
    from: 'if (!link.send({ type: "read", conversation, seq }) && sent.get(wish.key) === wish) sent.delete(wish.key);',
    to: 'if (link.send({ type: "read", conversation, seq })) await keeper.write({ granted: [wish] }, "relaxed");',
  },
  "a message counts as read when it comes, also on a page that is hidden": {
    rule: "J92",
    file: "client/client.ts",
    from: 'events.emit("message", message);',
    to: 'events.emit("message", message); threads.of({ conversation: message.conversation }).markRead(message.seq);',
  },
  "a page that is hidden hears of no message": {
    rule: "J90",
    file: "client/client.ts",
    from: 'events.emit("message", message);',
    to: 'if (environment.surroundings.isVisible()) events.emit("message", message);',
  },
} satisfies Plants;
