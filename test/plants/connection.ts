import type { Plants } from "./plant.ts";

export const connection = {
  "deadlines by a clock that jumps": {
    rule: "R8 O10",
    file: "connection/heartbeat.ts",
    from: "const now = awake.elapsed();",
    to: "const now = (awake as unknown as { now(): number }).now() - 1_780_000_000_000;",
  },
  "a connection that we do not read counts as silent": {
    rule: "R4",
    file: "connection/heartbeat.ts",
    from: "    if (isPaused) this.lastHeard = Math.max(this.lastHeard, now - limits.heartbeatMs);\n",
    to: "",
  },
  "a frame overtakes those that wait": {
    rule: "O4",
    file: "connection/inbox.ts",
    from: "if (this.waiting === null && this.canHandle()) this.run(frame);",
    to: "if (this.canHandle()) this.run(frame);",
  },
  "frames wait without a bound where reading cannot stop": {
    rule: "H9",
    file: "connection/inbox.ts",
    from: "this.waitingFrames() > sendWindow",
    to: "this.waitingFrames() > Infinity",
  },
  "handled frames are counted for ever": {
    rule: "H9",
    file: "connection/inbox.ts",
    from: "    this.bytes -= frame.length;\n",
    to: "",
  },
  "a buffer without an end": {
    rule: "R3",
    file: "connection/outbox.ts",
    from: "return waiting + bytes <= limits.outboxBytesMax && (",
    to: "return waiting + bytes <= 1e9 + limits.outboxBytesMax && (",
  },
  "changes overtake an answer that waits": {
    rule: "H3",
    file: "connection/outbox.ts",
    from: "this.filled === 0 && this.hasRoom(bytes + answersReserveBytes)",
    to: "this.hasRoom(bytes + answersReserveBytes)",
  },
  "a budget that is used up is used on": {
    rule: "R3",
    file: "connection/outbox.ts",
    from: " && !this.owner.context.budget.isFull();",
    to: ";",
  },
  "changes take the room of answers": {
    rule: "R3",
    file: "connection/outbox.ts",
    from: "hasRoom(bytes + answersReserveBytes)",
    to: "hasRoom(bytes)",
  },
  "a slow reader counts as one that has stopped": {
    rule: "R2",
    file: "connection/outbox.ts",
    from: "    if (now < this.buffered) this.looksInVain = 0;\n",
    to: "",
  },
  "bad frames count for ever": {
    rule: "H10",
    file: "connection/bad-frame-counter.ts",
    from: "now - time < minuteMs",
    to: "time > 0",
  },
} satisfies Plants;
