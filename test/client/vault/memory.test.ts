import { memory } from "../../../src/client/vault/memory.ts";
import { describeStorage } from "./run-contract.ts";

const storage = memory();
describeStorage("memory()", { kind: "memory", storage: () => storage });
