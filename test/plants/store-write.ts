import type { Plants } from "./plant.ts";

export const storeWrite = {
  "marks that stay hidden once a block has ended": {
    rule: "B3",
    file: "store/write/batch.ts",
    from: "blocked === false))",
    to: "blocked === null))",
  },
  "a send's key lacks the tenant": {
    rule: "T1",
    file: "store/write/batch.ts",
    from: "`${id} ${from} ${tenant}`",
    to: "`${id} ${from}`",
  },
  "the users of a commit lack the tenant": {
    rule: "T1",
    file: "store/write/batch.ts",
    from: "users.set(`${tenant} ${user}`",
    to: "users.set(`${user}`",
  },
  "the pairs of a commit lack the tenant": {
    rule: "T1",
    file: "store/write/known-pairs.ts",
    from: "`${tenant} ${one} ${other}`",
    to: "`${one} ${other}`",
  },
  "an ack forgotten for an older one": {
    rule: "O8",
    file: "store/write/waiting-acks.ts",
    from: "!waiting || waiting.n < ack.n",
    to: "!waiting || waiting.n > ack.n",
  },
  "a read that goes back is the one that is kept": {
    rule: "O9",
    file: "store/write/marks.ts",
    from: "!waiting || waiting.seq < read.seq",
    to: "true",
  },
  "of the acks of two devices one is kept": {
    rule: "Q7",
    file: "store/write/waiting-acks.ts",
    from: "`${tenant} ${user} ${device}`",
    to: "`${tenant} ${user}`",
  },
  "a waiting ack is forgotten behind a further one": {
    rule: "Q7",
    file: "store/write/mark-map.ts",
    from: "mark.settle === undefined && waiting.settle === undefined",
    to: "mark.settle === undefined",
  },
  "a waiting ack's key lacks the tenant": {
    rule: "T1",
    file: "store/write/waiting-acks.ts",
    from: "`${tenant} ${user} ${device}`",
    to: "`${user} ${device}`",
  },
  "a waiting read mark's key lacks the tenant": {
    rule: "T1",
    file: "store/write/marks.ts",
    from: "`${read.tenant} ${read.user} ${read.conversation}`",
    to: "`${read.user} ${read.conversation}`",
  },
  "a second change of a relation undoes the first one": {
    rule: "B1",
    file: "store/write/relation-queue.ts",
    from: "taken.has(key) || (taken.size > 0 && isTooMuch)",
    to: "taken.size > 0 && isTooMuch",
  },
  "a new send beside a retry is not announced": {
    rule: "F1",
    file: "store/write/settle-sends.ts",
    from: '!written.has(integer(row, "n"))',
    to: "written.size >= 0",
  },
  "a retry is compared with a text that has changed": {
    rule: "S42",
    file: "store/write/settle-sends.ts",
    from: 'if (typeof hash !== "string")\n    return',
    to: 'if (hash !== "")\n    return',
  },
  "a failed commit that is answered with accepted": {
    rule: "D1",
    file: "store/write/commit-batch.ts",
    from: "    queue.refuseAll(unconfirmed(cause), batch);",
    to: `    for (const { settle } of batch.sends)
      settle({ type: "accepted", n: 1, conversation: "c1", seq: 1, time: batch.time, duplicate: false });
    queue.refuseAll(unconfirmed(cause), { ...batch, sends: [] });`,
  },
  "a retry that is stored again": {
    rule: "O1",
    file: "store/write/writer.ts",
    from: "append: sends.append,",
    to: `append: (send, settle) =>
      sends.append(context.random.integer() % 2 ? { ...send, id: context.random.messageId(1) } : send, settle),`,
  },
  "sends behind a failed commit are accepted later": {
    rule: "O4",
    file: "store/write/write-queue.ts",
    from: "[...(batch?.sends ?? []), ...sends.takeAll()]",
    to: "[...(batch?.sends ?? [])]",
  },
  "opening a device during a failure waits for ever": {
    rule: "S12",
    file: "store/write/write-queue.ts",
    from: "...(batch?.devices ?? []), ...devices,",
    to: "...(batch?.devices ?? []),",
  },
  "every request tries the database during an outage": {
    rule: "S12",
    file: "store/write/send-queue.ts",
    from: "if (!isOpen() || size >=",
    to: "if (size >=",
  },
  "an ack of a message waits as long as the quiet one of its device": {
    rule: "S51",
    file: "store/write/waiting-acks.ts",
    from: "      if (!isQuiet) quiet.delete(key);\n",
    to: "",
  },
  "a quiet ack waits no longer than others": {
    rule: "S51",
    file: "hub/frame/ack.ts",
    from: "isQuiet: !connection.outgoing.acks(n)",
    to: "isQuiet: false",
  },
  "a last-seen time is lost with a commit": {
    rule: "B7",
    file: "store/write/marks.ts",
    from: "      for (const time of times) addSeen(time);\n",
    to: "",
  },
  "sends wait without a bound": {
    rule: "R3",
    file: "store/write/send-queue.ts",
    from: " || size >= limits.commitQueueMax",
    to: "",
  },
  "a settled ack's key lacks the tenant": {
    rule: "T1",
    edits: [
      {
        file: "store/write/write-queue.ts",
        from: '`${text(row, "tenant")} ${text(row, "user")} ${text(row, "device")}`',
        to: '`${text(row, "user")} ${text(row, "device")}`',
      },
      {
        file: "store/write/write-queue.ts",
        from: "`${ack.tenant} ${ack.user} ${ack.device}`",
        to: "`${ack.user} ${ack.device}`",
      },
    ],
  },
} satisfies Plants;
