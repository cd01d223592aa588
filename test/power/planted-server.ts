/**
 * The standalone server with one planted bug, for negative controls: its connections run with another `synchronous`, which
 * PLANT names: NORMAL (the log is synced at checkpoints only) or OFF (nothing ever is).
 */
import { readFileSync } from "node:fs";
import { plugin } from "bun";

export type Plant = "NORMAL" | "OFF";

const plant = process.env["PLANT"] as Plant;
const levels: Readonly<Record<Plant, number>> = { NORMAL: 1, OFF: 0 };

plugin({
  name: "planted synchronous",
  setup(build) {
    build.onLoad({ filter: /store\/engine\/connection\.ts$/ }, ({ path }) => ({
      contents: exchange(readFileSync(path, "utf8"), [
        ["PRAGMA synchronous = FULL", `PRAGMA synchronous = ${plant}`],
        [`"synchronous", 2)`, `"synchronous", ${levels[plant]})`],
      ]),
      loader: "ts",
    }));
  },
});

function exchange(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  return pairs.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`The code to plant into has no ${from}`);
    return before.replace(from, to);
  }, text);
}

await import("../../src/server.ts");
