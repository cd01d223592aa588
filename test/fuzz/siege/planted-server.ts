/**
 * The watched server with one planted bug, for negative controls: what PLANT says happens at frames that hold `1e400`, before any
 * guard. `throw`: an exception; `block`: 200 ms of work; `leak`: 16 MiB that are kept for ever.
 */
import { readFileSync } from "node:fs";
import { plugin } from "bun";

const find = "message: (ws, frame) => guarded(ws, () => ws.data.events?.receive(frame)),";
const replace = "message: (ws, frame) => { globalThis.planted(frame); ws.data.events?.receive(frame); },";
const leakBytes = 16_777_216;
const blockMs = 200;

const leaked: Buffer[] = [];

const bugs: Readonly<Record<string, () => void>> = {
  throw() {
    throw new Error("planted");
  },
  block() {
    for (const end = performance.now() + blockMs; performance.now() < end;);
  },
  leak() {
    leaked.push(Buffer.alloc(leakBytes, leaked.length));
  },
};

const bug = bugs[process.env["PLANT"] ?? ""];
if (bug === undefined) throw new Error("PLANT names no bug");
Object.assign(globalThis, {
  planted: (frame: unknown) => {
    if (typeof frame === "string" && frame.includes("1e400")) bug();
  },
});

plugin({
  name: "planted bug",
  setup(build) {
    build.onLoad({ filter: /src\/adapter\/bun\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (text.split(find).length !== 2) throw new Error("The place for the planted bug is gone");
      return { contents: text.replace(find, replace), loader: "ts" };
    });
  },
});

await import("./watched-server.ts");
