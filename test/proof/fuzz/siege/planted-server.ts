/**
 * The watched server with one planted bug, for negative controls. PLANT names what happens at frames that hold `1e400`, before any
 * guard. `throw`: an exception; `block`: 200 ms of work; `leak`: 16 MiB that are never freed.
 */
import { plant } from "../../../plants/index.ts";
import { alterSource } from "../../../support/alter-source.ts";

const leakBytes = 16_777_216;
const blockMs = 200;

const leaked: Buffer[] = [];

const bugs: Readonly<Record<string, () => void>> = {
  throw() {
    throw new Error("planted");
  },
  block() {
    // Processor time: on a busy machine the thread may get little of it in 200 ms.
    for (const begun = process.threadCpuUsage(); process.threadCpuUsage(begun).user < 1_000 * blockMs;);
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

alterSource(plant("a frame reaches a planted function before any guard"));

await import("./watched-server.ts");
