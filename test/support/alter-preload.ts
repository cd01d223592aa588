/** Plants what ALTERATIONS holds as JSON into the program behind it: `bun --preload test/support/alter-preload.ts src/server.ts`. */
import { type Alteration, alterSource } from "./alter-source.ts";

alterSource(JSON.parse(process.env["ALTERATIONS"] ?? "[]") as Alteration[]);
