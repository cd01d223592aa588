import type { Plants } from "./plant.ts";

export const push = {
  "another key for each try": {
    rule: "U5",
    file: "push/request.ts",
    from: "keyOf(due, {",
    to: "keyOf({ ...due, address: due.attempts }, {",
  },
  "no second look before something is sent": {
    rule: "U2",
    file: "push/delivery.ts",
    from: "    const decision = decideOn(due);",
    to: '      const decision = { type: "send", reason: "sent" } as Decision;',
  },
  "a notice counts as sent before the provider has answered": {
    rule: "U5 U7",
    file: "push/request.ts",
    from: "const result = await Promise.race([sent, late]);",
    to: 'const result: PushResult = { type: "sent", answer: "early" };',
  },
  "a retry is dropped": {
    rule: "U7",
    file: "push/delivery.ts",
    from: "until: retryAt(due.attempts, result.afterMs ?? 0),\n          isDone: false,",
    to: "until: null,\n          isDone: true,",
  },
  "a notice that was sent is sent again": {
    rule: "U5",
    file: "push/delivery.ts",
    from: '...finished(due, "send", "sent", result.answer), shown: due.seq',
    to: '...finished(due, "send", "sent", result.answer), until: 1, isDone: Math.random() < 0.9, shown: due.seq',
  },
  "a text is cut between any two characters of UTF-16": {
    rule: "U24",
    file: "push/fit.ts",
    from: "for (const { index, segment } of graphemes.segment(looked)) ends.push(index + segment.length);",
    to: "for (let end = 1; end <= looked.length; end++) ends.push(end);",
  },
  "a block leaves the notification shown": {
    rule: "U3 U69",
    file: "log/relation.ts",
    from: "if (blocked) noteBlock",
    to: "if (blocked === null) noteBlock",
  },
  "a worker's position is ahead of the users that it remembers": {
    rule: "U5",
    file: "push/pending.ts",
    from: "for (const each of users.values()) n = Math.min(n, each.n - 1);",
    to: "",
  },
  "a read that takes no notification away": {
    rule: "U3",
    file: "log/receipt.ts",
    from: "if (change.read > 0) handlers.noteRead?.({ tenant, ...change });",
    to: "",
  },
  "a user who gets a message during the look is forgotten": {
    rule: "U1",
    file: "push/overdue.ts",
    from: "else if (each.marks === marks[i]) return true;",
    to: "else if (marks) return true;",
  },
  /** New messages are looked at late, and the position is kept early: each crash finds something in between. */
  "a worker keeps its position before the messages behind it are safe": {
    rule: "U5",
    edits: [
      {
        file: "push/unacked.ts",
        from: "position: () => run?.pending.positionBefore(run.position) ?? 0,",
        to: "position: () => (run ? feed.position() : 0),",
      },
      {
        file: "push/pending.ts",
        from: "const gatherMs = 50;",
        to: "const gatherMs = 500;",
      },
    ],
  },
  "the backlog waits in memory": {
    rule: "U7",
    file: "push/unacked.ts",
    from: 'run.position = upTo;\n    if (isFull(run)) run.source = "behind";',
    to: "run.position = upTo; for (const entry of entries) (globalThis.hoard ??= []).push({ entry, room: new Array(100).fill(upTo) });",
  },
  "a push under way is sent again": {
    rule: "U5",
    file: "push/provider-queue.ts",
    from: "!before.has(noticeKey(due)) && !busy.has(noticeKey(due))",
    to: "before",
  },
  "a due push is sent again before its result is stored": {
    rule: "U5",
    file: "push/provider-queue.ts",
    from: "!before.has(noticeKey(due)) && ",
    to: "",
  },
  "a worker sends without knowing who has the lease": {
    rule: "U8",
    file: "push/provider-queue.ts",
    from: "if (!isRunning || !lease.isHeld() || holder",
    to: "if (!isRunning || holder",
  },
  "each push request has a new key": {
    rule: "U5",
    file: "push/request.ts",
    from: "const hex = await sha256(`${kind} ",
    to: "const hex = await sha256(`${Math.random()} ${kind} ",
  },
  "a notification's name lacks the tenant and the conversation": {
    rule: "T1",
    edits: [
      {
        file: "push/request.ts",
        from: "`${tenant} ${conversation}`",
        to: "`${conversation}`",
      },
      {
        file: "push/request.ts",
        from: "`${conversation}`",
        to: "``",
      },
    ],
  },
} satisfies Plants;
