import type { Plants } from "./plant.ts";

export const internal = {
  "a freeze counts as the peers' silence": {
    rule: "R21",
    file: "internal/awake.ts",
    from: "lostMs += Math.max(0, now - lookedAt - lookMsMax);",
    to: "",
  },
  "a process that is late comes to no deadline": {
    rule: "R21",
    file: "internal/awake.ts",
    from: "lostMs += Math.max(0, now - lookedAt - lookMsMax);",
    to: "lostMs += now - lookedAt > lookMsMax ? now - lookedAt : 0;",
  },
  "a user's key lacks the tenant": {
    rule: "T1",
    file: "model.ts",
    from: "`${tenant} ${user}`",
    to: "`${user}`",
  },
} satisfies Plants;
