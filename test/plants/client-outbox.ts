import type { Plants } from "./plant.ts";

/** A row may go without its message. */
const settlesAnything = {
  file: "client/vault/resolve.ts",
  from: 'change.do === "settle" && !messages.some((message) => message.id === id)',
  to: "false",
} as const;

export const clientOutbox = {
  "waiting messages get new ids when a client starts": {
    rule: "J3",
    file: "client/life.ts",
    from: "cache.boot(boot);",
    to: "cache.boot({ ...boot, outbox: boot.outbox.map((row) => ({ ...row, id: ids.next() })) });",
  },
  "a page that was frozen sends before its storage has answered": {
    rule: "J2",
    file: "client/sync/outbox.ts",
    from: "if (clock.elapsed() < late) stall();",
    to: "if (late > 0) stall();",
  },
  "a row goes when it is sent": {
    rule: "J58",
    edits: [
      settlesAnything,
      {
        file: "client/sync/sender.ts",
        from: 'else of.rows.set(id, "asked");',
        to: 'else { of.rows.set(id, "asked"); keeper.write({ outbox: [{ do: "settle", id }] }, "relaxed").catch(onFault); }',
      },
    ],
  },
  "a row goes when it is accepted, and its message is stored later": {
    rule: "J58",
    edits: [
      settlesAnything,
      {
        file: "client/sync/inbox.ts",
        from: "const written = await keeper.write({ ...change, resets },",
        to: 'await keeper.write({ outbox: change.outbox ?? [] }, "strict"); const written = await keeper.write({ ...change, resets },',
      },
    ],
  },
  "a message is sent before its row is on disk": {
    rule: "J2",
    edits: [
      {
        file: "client/sync/sender.ts",
        from: 'stage === "keeping" || (!isUnderWay',
        to: "(!isUnderWay",
      },
      {
        file: "client/sync/outbox.ts",
        from: "const kept = keep(unkept);",
        to: "const kept = keep(unkept); sender.flush();",
      },
    ],
  },
  "what was sent is known by its place in the outbox": {
    rule: "J6 J10",
    edits: [
      {
        file: "client/sync/sender.ts",
        from: "const untried: string[] = [];",
        to: "const untried: string[] = []; let place = 0;",
      },
      {
        file: "client/sync/sender.ts",
        from: "const isUnderWay = of.rows.has(id);",
        to: "const isUnderWay = place++ < of.rows.size;",
      },
    ],
  },
  "what another tab has written is left to that tab": {
    rule: "J10",
    file: "client/sync/cache.ts",
    from: "sync(boot) {\n      replaceWaiting(boot);",
    to: "sync(boot) {\n      replaceWaiting({ ...boot, outbox: boot.outbox.filter((row) => pending.has(row.id)) });",
  },
  "later messages pass one that must wait": {
    rule: "J6",
    edits: [
      { file: "client/sync/sender.ts", from: "if (isHeld(of)) return;", to: "void isHeld;" },
      {
        file: "client/sync/sender.ts",
        from: 'if (retry === "later") {\n        of.rows.delete(id);',
        to: 'if (retry === "later") {\n        of.rows.set(id, "answered"); clock.after(retryAfterMs ?? holdMsDefault, () => { of.rows.delete(id); flush(); });',
      },
    ],
  },
  "what may have been sent is edited": {
    rule: "J4",
    file: "client/vault/resolve.ts",
    from: "return row.isTried ? row : { ...row, text: change.text };",
    to: "return { ...row, text: change.text };",
  },
  "what may have been sent is cancelled": {
    rule: "J4",
    file: "client/vault/resolve.ts",
    from: "return row.isTried && row.failed === undefined ? row : null;",
    to: "return null;",
  },
  "a message is sent before it counts as tried": {
    rule: "J4",
    edits: [
      {
        file: "client/sync/sender.ts",
        from: 'if (!row.isTried && stage === "kept") untried.push(id);',
        to: "if (stage === undefined) untried.push(id);",
      },
      { file: "client/sync/outbox.ts", from: "isTried: sender.isConnected(),", to: "isTried: false," },
    ],
  },
  "a draft goes before its row is there": {
    rule: "J60",
    file: "client/sync/outbox.ts",
    from: "const stored = store(unkept);",
    to: "const { draft } = unkept; await keeper.write({ drafts: draft ? [draft] : [] }, 'strict'); await store({ row });",
  },
  "a draft stays until its row is there": {
    rule: "J60",
    file: "client/sync/outbox.ts",
    from: "const stored = store(unkept);",
    to: "const { draft } = unkept; await store({ row }); await keeper.write({ drafts: draft ? [draft] : [] }, 'strict');",
  },
  "a message that was not kept leaves the composer": {
    rule: "J3",
    file: "client/sync/thread.ts",
    from: "sending.kept.catch(() => cache.pending.has(sending.id) || draft.restore(text));",
    to: "",
  },
  "a tab does not hear what another tab has sent": {
    rule: "J91",
    file: "client/sync/answers.ts",
    from: "for (const [id, { target, resets }] of [...waiting]) {",
    to: "for (const [id, { target, resets }] of []) {",
  },
} satisfies Plants;
