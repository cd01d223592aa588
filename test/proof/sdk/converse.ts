import type { SimDatabase } from "../sim/database.ts";
import { unfinished } from "./judge.ts";
import { sendDraft } from "./operations.ts";
import type { SdkWorld } from "./world.ts";

/** Within this time a dead connection has shown. */
const probeMs = 6_000;
const lookMs = 500;
const lookAgainMs = 2_000;
const looksMax = 120;

/** A connection that was found dead may come back after a backoff only: until then its device misses something. */
function waitForLinks({ browsers, timeline }: SdkWorld): void {
  const isOnline = (): boolean =>
    browsers.every(({ tabs }) => tabs.every(({ client }) => client.status.get().state === "online"));
  for (let look = 0; look < looksMax && !isOnline(); look++) timeline.runUntil(timeline.now() + lookMs);
}

/**
 * After the faults each user writes to each other one, some from pages that are hidden now. J90: each tab is told of each
 * message once, also where it is hidden, and beside others. Null: everything has arrived; else what has not.
 */
export async function converse(world: SdkWorld, database: SimDatabase): Promise<string | null> {
  world.timeline.runUntil(world.timeline.now() + probeMs);
  waitForLinks(world);
  const chance = world.chance("conversation at the end");
  const told = new Map<string, number>();
  for (const { tabs, name } of world.browsers)
    for (const tab of tabs) {
      tab.client.on("message", ({ text }) => {
        const key = `${name} ${tab.serial} ${text}`;
        told.set(key, (told.get(key) ?? 0) + 1);
      });
      if (chance.hits(0.5)) tab.show(false);
    }
  const truth = await database.truth();
  const isBlocking = (user: string, other: string): boolean =>
    truth.relationsOf(`${world.tenant}/${user}`).get(other)?.blocked === true;
  const sent: { readonly other: string; readonly text: string }[] = [];
  for (const user of world.plan.users)
    for (const other of world.plan.users) {
      const [tab] = world.browsers.find((one) => one.user === user)?.tabs ?? [];
      if (tab === undefined || user === other || isBlocking(user, other) || isBlocking(other, user)) continue;
      const thread = tab.thread(other);
      if (thread.draft.get() !== "") continue;
      tab.process.run(() => {
        thread.draft.set(world.newText());
        const entry = sendDraft(world, tab, other);
        if (entry !== null) sent.push({ other, text: entry.text });
      });
    }
  let missing: string | null = "nothing was looked at";
  for (let look = 0; look < looksMax && missing !== null; look++) {
    world.timeline.runUntil(world.timeline.now() + lookMs);
    missing = unfinished(world, await database.truth());
  }
  // A node that no bus tells of it looks now and then.
  world.timeline.runUntil(world.timeline.now() + lookAgainMs);
  for (const { other, text } of sent)
    for (const { tabs, name } of world.browsers.filter(({ user }) => user === other)) {
      const counts = tabs.map(({ serial }) => told.get(`${name} ${serial} ${text}`) ?? 0);
      if (counts.some((count) => count !== 1))
        world.problem("J90", `the tabs of ${name} were told ${counts.join(", ")} times of "${text.slice(0, 9)}"`);
    }
  return missing;
}
