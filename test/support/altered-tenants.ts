/** Judges a chat with a database for each tenant, with texts of its source replaced: ALTERATIONS has them as JSON. */
import { type Alteration, alterSource } from "./alter-source.ts";

alterSource(JSON.parse(process.env["ALTERATIONS"] ?? "[]") as Alteration[]);
const { judgeTenants } = await import("./judge-tenants.ts");
console.log(JSON.stringify(await judgeTenants()));
