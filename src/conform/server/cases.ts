import { connectCases } from "./cases-connect.ts";
import { httpCases } from "./cases-http.ts";
import { identityCases } from "./cases-identity.ts";
import { inputCases } from "./cases-input.ts";
import { marksCases } from "./cases-marks.ts";
import { peopleCases } from "./cases-people.ts";
import { resumeCases } from "./cases-resume.ts";
import { selfCases } from "./cases-self.ts";
import { sendCases } from "./cases-send.ts";
import type { ServerCase } from "./world.ts";

/** What every server must do, in the order of the ids. */
export const serverCases: readonly ServerCase[] = [
  ...connectCases,
  ...sendCases,
  ...resumeCases,
  ...marksCases,
  ...peopleCases,
  ...inputCases,
  ...httpCases,
  ...identityCases,
  ...selfCases,
];
