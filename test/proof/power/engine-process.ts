/**
 * A process with an engine, to be killed and to lose its power: `write` commits five rows, one after the other; `read`
 * prints their number, and exits without closing. With PLANT it has the bug of that name.
 */
if (process.env["PLANT"] !== undefined) await import("./plant.ts");
const { createEmbeddedEngine } = await import("../../../src/store/engine/embedded.ts");

const [, , path = "", task = ""] = process.argv;
const engine = createEmbeddedEngine({ path });
if (task === "write") {
  await engine.write([{ sql: "CREATE TABLE IF NOT EXISTS found (id INTEGER PRIMARY KEY)" }]);
  for (let i = 0; i < 5; i++) await engine.write([{ sql: "INSERT INTO found DEFAULT VALUES" }]);
} else {
  const [[row] = []] = await engine.read([{ sql: "SELECT count(*) AS count FROM found" }]);
  console.log(Number(row?.["count"]));
}
process.kill(process.pid, "SIGKILL");

export {};
