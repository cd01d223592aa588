/** The standalone server with the bug that PLANT names in plant.ts. */
import "./plant.ts";

await import("../../../src/server.ts");
