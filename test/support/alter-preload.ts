/** Plants the alterations in ALTERATIONS (JSON) into a program: `bun --preload test/support/alter-preload.ts src/server.ts`. */
import { type Alteration, alterSource } from "./alter-source.ts";

alterSource(JSON.parse(process.env["ALTERATIONS"] ?? "[]") as Alteration[]);
