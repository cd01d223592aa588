import type { Plants } from "./plant.ts";

export const hubConnection = {
  "a change that overtakes its accepted": {
    rule: "H3",
    file: "connection/connection-log.ts",
    from: "    await store.settled();\n",
    to: "",
  },
  "sends that are handled behind one that failed": {
    rule: "O4",
    file: "connection/lifecycle.ts",
    from: 'if (this.state.type === "open") this.state = failed;',
    to: "",
  },
  "frames that came before the welcome wait for ever": {
    rule: "O10",
    file: "connection/connection.ts",
    from: `    this.expiry.watch();
    outgoing.resume();
    this.inbox.pump();
`,
    to: "    this.expiry.watch();\n    outgoing.resume();\n",
  },
  "unread answers block nothing": {
    rule: "H7",
    file: "connection/outgoing.ts",
    from: " || this.outbox.hasHeldAnswers();\n",
    to: ";\n",
  },
  "a peer that does not answer the closing handshake stays": {
    rule: "H11",
    file: "connection/lifecycle.ts",
    from: "const cancelGrace = context.awake.after(closeGraceMs, () => context.soon(() => this.terminate(code)));",
    to: "const cancelGrace = (): void => {};",
  },
  "a connection that others held up is not flushed again": {
    rule: "O10",
    file: "connection/connection.ts",
    from: "    if (isBlocked) this.scheduleFlush();\n",
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
    from: "  scheduleFlush(): void {\n",
    to: "  scheduleFlush(): void {\n    this.heartbeat.heard();\n",
  },
  "each connection has thirty functions of its own": {
    rule: "R45",
    file: "connection/connection.ts",
    from: "    this.inbox = new Inbox(this);\n",
    to: "    this.inbox = new Inbox(this);\n    Object.assign(this, { own: Array.from({ length: 30 }, () => () => this) });\n",
  },
  "each bad frame blocks the loop": {
    rule: "R2",
    file: "connection/connection.ts",
    from: "countBadFrame(): void {\n    const",
    to: "countBadFrame(): void {\n    for (const end = Date.now() + 60; Date.now() < end; );\n    const",
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
    from: "this.writeFrame(frame[frame.length - 1]?.n ?? this.reached, true, frame);",
    to: "this.writeFrame(upTo, true, frame);",
  },
  "live changes dropped for a slow reader": {
    rule: "O3",
    file: "connection/replay.ts",
    from: 'if (this.state === live) this.state = { type: "replaying", reader: "blocked" };',
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
    from: "frame[frame.length - 1]?.n ?? this.reached, true, frame",
    to: "frame[frame.length - 1]?.n ?? this.reached, more, frame",
  },
  "a page that was on its way is sent behind the end": {
    rule: "T5",
    file: "connection/replay.ts",
    from: "        if (!this.isReplaying()) return;\n        log.spend",
    to: "        log.spend",
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
    from: "cursors.encode({ n: upTo, level })",
    to: "cursors.encode({ n: upTo })",
  },
} satisfies Plants;
