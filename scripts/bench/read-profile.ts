/**
 * Prints where the time of a `.cpuprofile` went: by function, by folder of the source, without the time in which the process waited for work.
 *
 *   bun scripts/bench/read-profile.ts FILE [--top 40]
 */
import { readFileSync } from "node:fs";
import { toTable } from "../page-part.ts";

type Node = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
};
export type Profile = {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
};

/**
 * Samples of each function by itself, and with all that it called (each stack counts once). Samples are counted, and not the times between them: Bun
 * takes none while the process waits, and a wait would count for the function that comes after it.
 */
export type Times = { self: number; total: number };

const idle = /^\((idle|program)\)$/;

/** The place of a function, without the folders that lead to the repository or to its packages. */
const placeOf = ({ callFrame: { functionName, url, lineNumber } }: Node): string => {
  const file = url.replace(/^.*\/(src|scripts|node_modules)\//, "$1/");
  const name = functionName === "" ? "(anonymous)" : functionName;
  return file === "" ? name : `${name} ${file}:${lineNumber + 1}`;
};

/** Times by what `keyOf` makes of a function's place. */
export function timesOf(profile: Profile, keyOf: (place: string) => string): ReadonlyMap<string, Times> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const times = new Map<string, Times>();
  const timeOf = (key: string): Times => {
    const time = times.get(key) ?? { self: 0, total: 0 };
    times.set(key, time);
    return time;
  };
  for (const leaf of profile.samples) {
    const node = nodes.get(leaf);
    if (!node || idle.test(node.callFrame.functionName)) continue;
    timeOf(keyOf(placeOf(node))).self++;
    const keys = new Set<string>();
    for (let at: number | undefined = leaf; at !== undefined; at = parents.get(at)) {
      const found = nodes.get(at);
      if (found) keys.add(keyOf(placeOf(found)));
    }
    for (const key of keys) timeOf(key).total++;
  }
  return times;
}

function tableOf(
  profile: Profile,
  keyOf: (place: string) => string,
  { by, top }: { by: keyof Times; top: number },
): string {
  const times = timesOf(profile, keyOf);
  const all = [...times.values()].reduce((sum, { self }) => sum + self, 0);
  const share = (samples: number): string => `${((100 * samples) / all).toFixed(1)} %`;
  const rows = [...times].toSorted(([, a], [, b]) => b[by] - a[by]).slice(0, top);
  return toTable(
    ["", "by itself", "with what it called"],
    rows.map(([key, { self, total }]) => [key, share(self), share(total)]),
  );
}

if (import.meta.main) {
  const [file = "", , top = "40"] = process.argv.slice(2);
  const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const folder = (place: string): string =>
    /(src\/[^/:]+(\/[^/:]+\/)?|node_modules\/[^/]+)/.exec(place)?.[1] ?? "native";
  console.log(tableOf(profile, (place) => place, { by: "self", top: Number(top) }));
  console.log(`\n${tableOf(profile, (place) => place, { by: "total", top: Number(top) })}`);
  console.log(`\n${tableOf(profile, folder, { by: "self", top: 20 })}`);
}
