import { afterAll } from "bun:test";
import { removeBuiltPackage, startBuiltOnNode } from "../package/built.ts";
import { describeWith } from "../support/prerequisite.ts";
import { startServer } from "../support/server.ts";
import { describeSite } from "./site.contract.ts";

afterAll(removeBuiltPackage);
describeSite("Bun", startServer);
describeWith("npm", "N4 the built package", () => describeSite("Node", startBuiltOnNode));
