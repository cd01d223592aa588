/**
 * The standalone server without its defences, for negative controls: each entry removes one of them from the source while it is
 * loaded. A probe that finds nothing on the real server must find something here.
 */
import { plant, type PlantName } from "../../plants/index.ts";
import { alterSource } from "../../support/alter-source.ts";

const weaknesses: readonly PlantName[] = [
  "origins are compared by how they begin",
  "the runtime selects a subprotocol by itself",
  "tokens are read, not verified",
  "a token for any audience is taken",
  "an id is any short text",
  "input is merged into objects",
  "upgrade requests are logged as they came",
  "frames are logged as they came",
  "the address of a device is logged",
  "an error of a webhook tells its address",
  "any page may read any answer",
  "bodies are inflated whatever comes out",
  "an unfinished request is waited for without an end",
  "frames are compressed",
];

alterSource(weaknesses.flatMap((name) => plant(name)));
await import("../../../src/server.ts");
