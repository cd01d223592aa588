import { connectionCases } from "./cases-connection.ts";
import { growthCases } from "./cases-growth.ts";
import { refusedCases } from "./cases-refused.ts";
import { resumeCases } from "./cases-resume.ts";
import { sendCases } from "./cases-send.ts";
import type { ClientCase } from "./world.ts";

/** What every client must do, in the order of the ids. */
export const clientCases: readonly ClientCase[] = [
  ...sendCases,
  ...refusedCases,
  ...resumeCases,
  ...connectionCases,
  ...growthCases,
];
