import { plugin } from "bun";
import type { Engine } from "../../src/store/engine/engine.ts";

/** Every database that this process opens from now on is opened by `open`: an engine with a bug, for a control. */
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
