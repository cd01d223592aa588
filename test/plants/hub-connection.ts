import type { Plants } from "./plant.ts";

export const hubConnection = {
  "a change that overtakes its accepted": {
    rule: "H3",
    file: "connection/connection.ts",
    from: "      await store.settled();\n",
    to: "",
  },
  "sends that are handled behind one that failed": {
    rule: "O4",
    file: "connection/lifecycle.ts",
    from: 'if (state.type === "open") state = { type: "failed" };',
    to: "",
  },
  "frames that came before the welcome wait for ever": {
    rule: "O10",
    file: "connection/connection.ts",
    from: `    outgoing.resume();
    inbox.pump();
  }`,
    to: "    outgoing.resume();\n  }",
  },
  "unread answers block nothing": {
    rule: "H7",
    file: "connection/outgoing.ts",
    from: " || outbox.hasHeldAnswers(),\n",
    to: ",\n",
  },
  "a peer that does not answer the closing handshake stays": {
    rule: "H11",
    file: "connection/lifecycle.ts",
    from: "const cancelGrace = clock.after(closeGraceMs, () => soon(() => terminate(code)));",
    to: "const cancelGrace = (): void => {};",
  },
  "a connection that others held up is not flushed again": {
    rule: "O10",
    file: "connection/connection.ts",
    from: "      if (isBlocked) context.scheduleFlush(connection);\n",
    to: "",
  },
  "a device has synced at its level as soon as it connects": {
    rule: "P52 S41",
    file: "connection/welcome.ts",
    from: "  if (isHonoured && asked) store.ack",
    to: "  store.ack(session, device, { n, level });\n  if (isHonoured && asked) store.ack",
  },
  "sending satisfies the heartbeat": {
    rule: "R4",
    file: "connection/connection.ts",
    from: "scheduleFlush: () => context.scheduleFlush(connection),",
    to: "scheduleFlush: () => (heartbeat.heard(), context.scheduleFlush(connection)),",
  },
  "each bad frame blocks the loop": {
    rule: "R2",
    file: "connection/connection.ts",
    from: "countBadFrame() {",
    to: "countBadFrame() { for (const end = Date.now() + 60; Date.now() < end; );",
  },
  "a cursor beyond the head is honoured": {
    rule: "P13",
    file: "connection/welcome.ts",
    from: "asked.n <= head.n)",
    to: "asked.n <= head.n + 1)",
  },
  "a cursor at the head is refused": {
    rule: "P13",
    file: "connection/welcome.ts",
    from: "asked.n <= head.n)",
    to: "asked.n < head.n)",
  },
  "a cursor is honoured whatever its level": {
    rule: "P52",
    file: "connection/welcome.ts",
    from: '    if ((asked.level ?? levelMin) < level) return afresh("level");\n',
    to: "",
  },
  "a resumed connection starts at the head": {
    rule: "R6",
    file: "connection/welcome.ts",
    from: "{ n: asked.n, isHonoured: true",
    to: "{ n: head.n, isHonoured: true",
  },
  "a cursor that is ahead of its frame": {
    rule: "O3",
    file: "connection/changes-writer.ts",
    from: "writeFrame(frame[frame.length - 1]?.n ?? position, true, frame);",
    to: "writeFrame(upTo, true, frame);",
  },
  "live changes dropped for a slow reader": {
    rule: "O3",
    file: "connection/replay.ts",
    from: 'if (state === live) state = { type: "replaying", reader: "blocked" };',
    to: "writer.advance(live.queuedUpTo);",
  },
  "a stretch from before the position is sent twice": {
    rule: "O3",
    file: "connection/replay.ts",
    from: "if (change && change.n > writer.position())",
    to: "if (change)",
  },
  "a frame in the middle of a page says that nothing follows": {
    rule: "P15",
    file: "connection/changes-writer.ts",
    from: "frame[frame.length - 1]?.n ?? position, true, frame",
    to: "frame[frame.length - 1]?.n ?? position, more, frame",
  },
  "a page that was on its way is sent behind the end": {
    rule: "T5",
    file: "connection/replay.ts",
    from: "        if (!isReplaying()) return;\n        options.spend",
    to: "        options.spend",
  },
  "a page is sent as it is, whatever its level": {
    rule: "P51",
    file: "connection/replay.ts",
    from: "level === levelMax ? page",
    to: "level <= levelMax ? page",
  },
  "a cursor does not say its level": {
    rule: "P52",
    file: "connection/changes-writer.ts",
    from: "cursors.encode({ n, level })",
    to: "cursors.encode({ n })",
  },
} satisfies Plants;
