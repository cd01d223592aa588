import { connectionCases } from "./cases-connection.ts";
import { deviceCases } from "./cases-devices.ts";
import { growthCases } from "./cases-growth.ts";
import { marksCases } from "./cases-marks.ts";
import { pollingCases } from "./cases-polling.ts";
import { presenceCases } from "./cases-presence.ts";
import { refusedCases } from "./cases-refused.ts";
import { resumeCases } from "./cases-resume.ts";
import { sendCases } from "./cases-send.ts";
import type { ClientCase } from "./world.ts";

/** What every client must do, in the order of the ids. */
export const clientCases: readonly ClientCase[] = [
  ...sendCases,
  ...refusedCases,
  ...resumeCases,
  ...deviceCases,
  ...connectionCases,
  ...growthCases,
  ...pollingCases,
  ...marksCases,
  ...presenceCases,
];
