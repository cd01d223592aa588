import type { Plants } from "./plant.ts";

export const connection = {
  "deadlines by a clock that jumps": {
    rule: "R8 O10",
    file: "connection/heartbeat.ts",
    from: "const now = clock.elapsed();",
    to: "const now = clock.now() - 1_780_000_000_000;",
  },
  "a connection that we do not read counts as silent": {
    rule: "R4",
    file: "connection/heartbeat.ts",
    from: "      if (isPaused) lastHeard = Math.max(lastHeard, now - limits.heartbeatMs);\n",
    to: "",
  },
  "a frame overtakes those that wait": {
    rule: "O4",
    file: "connection/inbox.ts",
    from: "      if (!hasWaiting() && canHandle()) run(frame);",
    to: "      if (canHandle()) run(frame);",
  },
  "frames wait without a bound where reading cannot stop": {
    rule: "H9",
    file: "connection/inbox.ts",
    from: "waiting.length - first > framesMax",
    to: "waiting.length - first > Infinity",
  },
  "handled frames are counted for ever": {
    rule: "H9",
    file: "connection/inbox.ts",
    from: "if (frame !== undefined) bytes -= frame.length;",
    to: "",
  },
  "a buffer without an end": {
    rule: "R3",
    file: "connection/outbox.ts",
    from: "return waiting + bytes <= bytesMax && (",
    to: "return waiting + bytes <= 1e9 + bytesMax && (",
  },
  "changes overtake an answer that waits": {
    rule: "H3",
    file: "connection/outbox.ts",
    from: "filled === 0 && hasRoom(bytes + answersReserveBytes)",
    to: "hasRoom(bytes + answersReserveBytes)",
  },
  "a budget that is used up is used on": {
    rule: "R3",
    file: "connection/outbox.ts",
    from: " && !budget.isFull(),",
    to: ",",
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
    from: "    if (now < buffered) looksInVain = 0;\n",
    to: "",
  },
  "bad frames count for ever": {
    rule: "H10",
    file: "connection/bad-frame-counter.ts",
    from: "now - time < minuteMs",
    to: "time > 0",
  },
} satisfies Plants;
