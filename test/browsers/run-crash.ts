import { expect, test } from "bun:test";
import { plant, type PlantName } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { deadline } from "../support/deadline.ts";
import { crashAt } from "./crash.ts";
import { describeCrash } from "./crash-world.ts";
import { crashSteps, stepOf } from "./hold.ts";

/** Faults of a client, and a step at which each loses the text or doubles it. */
const faults = {
  "a row goes when it is sent": "the frame is on its way",
  "a draft goes before its row is there": "row before its put",
  "waiting messages get new ids when a client starts": "the server has it on disk, accepted is on its way",
} as const satisfies Partial<Record<PlantName, string>>;

describeCrash("a tab that crashes at each step of a send", {
  isWhole: true,
  tests(world) {
    for (const step of crashSteps)
      test(`J3 W14 the text is in the log once, or in the composer, after a crash at: ${step.name}`, async () => {
        expect(await crashAt(step, world())).toEqual([]);
      });

    for (const [fault, at] of Object.entries(faults))
      test(`control: J3 ${fault}`, async () => {
        const script = await bundleAlteredPage(plant(fault as keyof typeof faults));
        const problems = await crashAt(stepOf(at), world(script), { settleMs: deadline.firstFailureMs });
        expect(problems).not.toEqual([]);
      });
  },
});
