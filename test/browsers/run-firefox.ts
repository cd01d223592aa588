import { openFirefox } from "./firefox.ts";
import { describeEngine } from "./engine.contract.ts";

describeEngine("firefox", () => openFirefox());
