import { embedded } from "./places.ts";
import { describeGroups } from "./groups.contract.ts";

/** Run by the controls in groups.test.ts, each in a process of its own with a fault planted. */
describeGroups("groups", embedded, { runs: 250, isShrunk: false });
