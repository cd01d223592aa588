import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemRandom } from "../../src/internal/random.ts";
import { during, fakeClock } from "./fake-clock.ts";
import { until } from "./fake-socket.ts";
import { startTenants } from "./tenants.ts";

const tenants = ["a", "b", "c", "d", "e", "f"];
const databasesMax = 2;

/** A day of six tenants, of which two may have their databases open at a time; returns the violations. */
export async function judgeTenants(): Promise<string[]> {
  const wrong: string[] = [];
  const place = startTenants({
    limits: { databasesMax, connectionsMax: 1 },
    // Closing takes longer than opening another one.
    wrapEngine: (engine) => ({
      ...engine,
      async close() {
        await Bun.sleep(30);
        await engine.close();
      },
    }),
  });
  try {
    const send = (tenant: string) =>
      place.chat.send({ tenant, from: "shop", to: "alice", text: `words of ${tenant}` }).then(
        () => "",
        () => `nothing is sent to ${tenant}`,
      );
    for (let i = 0; i < 12; i++) {
      const pair = [tenants[i % 6], tenants[(i + 1) % 6]] as string[];
      wrong.push(...(await Promise.all(pair.map(send))).filter((text) => text !== ""));
    }
    // The tenants that have just given way are wanted again.
    for (const tenant of ["a", "b", "c", "a", "b", "c"])
      wrong.push(...[await send(tenant)].filter((text) => text !== ""));
    if (place.log.overlaps > 0) wrong.push("a database is opened before it is closed");
    if (place.log.openMax > databasesMax) wrong.push(`${place.log.openMax} databases are open`);
    const alice = await place.connect("alice/a");
    await until(() => alice.changes().length > 0);
    if (!("status" in (await place.enter("alice/b")))) wrong.push("another database has room of its own");
    alice.hangUp();
    await place.enter("", `ticket=${systemRandom.secret()}.forged`);
    if (existsSync(join(place.folder, "forged.db"))) wrong.push("a forged ticket makes a database");
    const ticket = await place.ticket("alice/a");
    if ("status" in (await place.enter("", `ticket=${ticket}`))) wrong.push("a ticket opens nothing");
    await place.chat.close();
    for (const file of readdirSync(place.folder).filter((name) => name.endsWith(".db"))) {
      const text = readFileSync(join(place.folder, file), "latin1");
      if (tenants.filter((tenant) => text.includes(`words of ${tenant}`)).length > 1)
        wrong.push("a database holds messages of two tenants");
    }
  } finally {
    await place.stop();
  }
  return [...wrong, ...(await judgeIdleSockets())];
}

/** Two tenants have idle sockets, and there is no room for a third. */
async function judgeIdleSockets(): Promise<string[]> {
  const wrong: string[] = [];
  const clock = fakeClock();
  const place = startTenants({ clock, limits: { databasesMax, heartbeatMs: 100_000_000 } });
  const enter = (who: string) => during(clock, place.enter(who));
  try {
    for (const who of ["alice/a", "alice/b"]) await enter(who);
    if (!("status" in (await enter("alice/c")))) wrong.push("a database that was just opened gives way");
    await clock.advance(70_000);
    if ("status" in (await enter("alice/c"))) wrong.push("idle sockets keep a tenant out");
  } finally {
    await during(clock, place.stop());
  }
  return wrong;
}
