import { openChromium } from "./chromium.ts";
import { describeEngine } from "./engine.contract.ts";

describeEngine("chromium", openChromium);
