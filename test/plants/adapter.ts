import type { Plants } from "./plant.ts";

export const adapter = {
  "the bytes that sockets hold are not counted": {
    rule: "R3",
    file: "adapter/bun-socket.ts",
    from: "return this.ws.getBufferedAmount();",
    to: "return 0;",
  },
  "a frame reaches a planted function before any guard": {
    rule: "R1",
    file: "adapter/bun.ts",
    from: "message: (ws, frame) => guarded(ws, () => ws.data.events?.receive(frame)),",
    to: "message: (ws, frame) => { globalThis.planted(frame); ws.data.events?.receive(frame); },",
  },
  "upgrade requests are logged as they came": {
    rule: "X5 X6",
    file: "adapter/bun.ts",
    from: "const admission = await chat.admit(request, peerOf(request, server));",
    to: 'console.log("upgrade " + decodeURIComponent(request.url) + JSON.stringify([...request.headers]));\n        const admission = await chat.admit(request, peerOf(request, server));',
  },
  "frames are logged as they came": {
    rule: "X5 X6",
    file: "adapter/bun.ts",
    from: "message: (ws, frame) =>",
    to: 'message: (ws, frame) => (console.log("frame " + frame), false) ||',
  },
  "bodies are inflated whatever comes out": {
    rule: "X3",
    file: "adapter/bun.ts",
    from: "const response = await fetch(request, peerOf(request, server));",
    to: `if (request.headers.get("content-encoding") === "gzip")
            (globalThis.inflated ??= []).push(Bun.gunzipSync(await request.bytes()));
          const response = await fetch(request, peerOf(request, server));`,
  },
  "an unfinished request is waited for without an end": {
    rule: "X10",
    file: "adapter/bun.ts",
    from: "idleTimeout: httpIdleSeconds",
    to: "idleTimeout: 0",
  },
  "frames are compressed": {
    rule: "X3",
    file: "adapter/bun.ts",
    from: "perMessageDeflate: false",
    to: "perMessageDeflate: true",
  },
  "newcomers are answered at once": {
    rule: "R1",
    file: "adapter/bun.ts",
    from: "new Promise((resolve) => void setImmediate(resolve));",
    to: "Promise.resolve();",
  },
} satisfies Plants;
