import type { Plants } from "./plant.ts";

export const hook = {
  "a hook is called without knowing who has the lease": {
    rule: "K77",
    file: "hook/follower.ts",
    from: "if (!lease.isHeld()) {",
    to: "if (lease.isHeld() === null) {",
  },
  "how far a hook has got is kept in memory alone": {
    rule: "K67",
    file: "hook/follower.ts",
    from: "    await lease.keep();\n",
    to: "",
  },
  "a hook that must end begins another call": {
    rule: "K71",
    file: "hook/run.ts",
    from: '      if (phase === "running") phase = "ending";\n',
    to: "",
  },
  "a database is closed under a hook that has work left": {
    rule: "K72",
    file: "hook/follower.ts",
    from: "isBusy: () => run !== null &&",
    to: "isBusy: () => run === null &&",
  },
} satisfies Plants;
