import { expect, test } from "bun:test";
import { plant } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { deadline } from "../support/deadline.ts";
import { crashAt } from "./crash.ts";
import { describeCrash } from "./crash-world.ts";
import { stepOf } from "./hold.ts";

// `bun run test:browsers` crashes at every step; here are one of each kind.
describeCrash("a tab that crashes while it sends", {
  tests(world) {
    for (const name of ["row before its put", "the frame is on its way", "message before its put"] as const)
      test(`J3 W14 the text is in the log once, or in the composer, after a crash at: ${name}`, async () => {
        expect(await crashAt(stepOf(name), world())).toEqual([]);
      });

    test("control: J3 a row that goes when it is sent is lost with the frame", async () => {
      const script = await bundleAlteredPage(plant("a row goes when it is sent"));
      const problems = await crashAt(stepOf("the frame is on its way"), world(script), {
        settleMs: deadline.firstFailureMs,
      });
      expect(problems).toContain("it is neither in the log nor in the composer");
    });
  },
});
