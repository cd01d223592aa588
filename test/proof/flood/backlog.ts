import { rmSync } from "node:fs";
import type { Outcome } from "../load/scenario.ts";
import { createChance } from "../sim/chance.ts";
import { type RunningServer, temporaryFolder } from "../../support/server.ts";
import { createCrowd } from "./crowd.ts";
import type { FloodOptions } from "./flood.ts";
import { createPeople } from "./people.ts";
import { openServices } from "./services.ts";
import { type Held, heldBy, startFlooded } from "./start.ts";
import { deadline } from "../../support/deadline.ts";

export type BacklogSize = { readonly users: number; readonly messages: number; readonly senders: number };

/** The first part has this share of the whole: it warms the server up, and its memory is the measure. */
const firstShare = 0.1;
/** The most that the whole backlog may hold relative to a tenth of it, after a garbage collection: the heap, and all memory of the process. */
const heapGrowthMax = 1.25;
const residentGrowthMax = 1.5;
const lookMs = 200;
const quietMsMax = deadline.bulkMs;

/** U7: the providers are down during many sends: the waiting notifications are in the database, not in memory. */
export async function backlog({
  size,
  seed,
  alterations = [],
  say = () => {},
}: FloodOptions<BacklogSize>): Promise<Outcome> {
  const chance = createChance(seed);
  const people = createPeople({ ...size, chance: chance.fork("people") });
  const services = await openServices({ chance: chance.fork("services"), isDead: () => false });
  services.failing = 1;
  const dir = temporaryFolder();
  const server = await startFlooded({ settings: { ...services.settings, limits: {} }, dir, alterations });
  const crowd = createCrowd({ people, port: server.port, chance: chance.fork("crowd") });
  const violations: string[] = [];
  let residentMax = 0;
  const sampling = setInterval(() => (residentMax = Math.max(residentMax, server.residentBytes())), lookMs);

  async function part(share: number): Promise<Held & { readonly residentBytes: number }> {
    residentMax = 0;
    await crowd.write(size.messages * share - crowd.accepted(), 0);
    const held = await quiet(server);
    const measured = { ...held, residentBytes: residentMax };
    const { heapBytes, sizes } = held;
    say(`${crowd.accepted()} messages wait: heap ${mb(heapBytes)} MB, resident at most ${mb(residentMax)} MB`);
    say(JSON.stringify(sizes));
    return measured;
  }

  try {
    await crowd.enter(people.users);
    const first = await part(firstShare);
    const whole = await part(1);
    const heapGrowth = whole.heapBytes / first.heapBytes;
    const residentGrowth = whole.residentBytes / first.residentBytes;
    if (heapGrowth > heapGrowthMax)
      violations.push(`ten times the backlog holds ${heapGrowth.toFixed(2)} times the heap`);
    if (residentGrowth > residentGrowthMax)
      violations.push(`ten times the backlog takes ${residentGrowth.toFixed(2)} times the memory`);
    violations.push(...services.violations(), ...crowd.complaints);
    return {
      violations,
      figures: {
        messages: crowd.accepted(),
        requests: services.requests.length,
        heapMbFirst: mb(first.heapBytes),
        heapMb: mb(whole.heapBytes),
        residentMbFirst: mb(first.residentBytes),
        residentMb: mb(whole.residentBytes),
      },
    };
  } finally {
    clearInterval(sampling);
    crowd.leave();
    await server.dispose();
    await services.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

/** Its memory once it has looked at everything written. */
async function quiet(server: RunningServer): Promise<Held> {
  const end = performance.now() + quietMsMax;
  for (;;) {
    const held = await heldBy(server);
    const { recipients } = held.sizes;
    if (recipients === undefined) throw new Error("The server does not report how many recipients wait in memory");
    if (recipients === 0 || performance.now() > end) return held;
    await Bun.sleep(lookMs);
  }
}
