import { plugin } from "bun";
import type { Engine } from "../../src/store/engine/engine.ts";

/** Makes `open` open every database of this process from now on: an engine with a bug, for a control. */
export function plantEngine(open: (options: { readonly url: string }) => Engine): void {
  Object.assign(globalThis, { openPlantedEngine: open });
  plugin({
    name: "planted engine",
    setup(build) {
      build.onLoad({ filter: /store\/engine\/open\.ts$/ }, () => ({
        contents: `export const openEngine = (options) => globalThis.openPlantedEngine(options);
          export const requireUrl = () => {};`,
        loader: "js",
      }));
    },
  });
}
