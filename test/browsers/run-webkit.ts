import { openWebKit } from "./webkit.ts";
import { describeEngine } from "./engine.contract.ts";

describeEngine("webkit", openWebKit);
