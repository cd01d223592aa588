import type { Chance } from "../sim/chance.ts";
import { createDisk, type Disk } from "./disk.ts";
import { createTab, type Tab } from "./tab.ts";
import type { SdkWorld } from "./world.ts";

/** A browser of one user: one disk, and the tabs over it. */
export type Browser = {
  readonly name: string;
  readonly user: string;
  readonly disk: Disk;
  /** Those that live. */
  readonly tabs: readonly Tab[];
  openTab(): Tab;
  /** How many tabs it has had. */
  readonly opened: number;
  /** Called by a tab that has died. */
  left(tab: Tab): void;
  join(tab: Tab, onHint: (hint: unknown) => void): { post(hint: unknown): void; close(): void };
  /** How often its data was deleted under it. */
  readonly losses: number;
  /** A row of this id waited on a disk that was deleted: a tab that has not heard of it yet may send it. */
  isOfLostDisk(id: string): boolean;
  /** The machine goes down: every tab is dead, and the last relaxed writes may be gone. */
  crash(): void;
  vanish(): void;
};

export function createBrowser(
  world: SdkWorld,
  { name, user, chance }: { readonly name: string; readonly user: string; readonly chance: Chance },
): Browser {
  const { timeline } = world;
  const disk = createDisk({
    ...{ timeline, chance: chance.fork("disk"), faults: () => world.faults().disk },
    onWrite: (change) => world.watch.wrote(browser, change),
  });
  let tabs: readonly Tab[] = [];
  let opened = 0;
  let losses = 0;
  const lostRows = new Set<string>();
  const ends = new Map<Tab, (hint: unknown) => void>();
  const browser: Browser = {
    name,
    user,
    disk,
    get tabs() {
      return tabs;
    },
    get opened() {
      return opened;
    },
    openTab() {
      const tab = createTab({ world, browser, serial: opened, chance: chance.fork(`tab ${opened++}`) });
      tabs = [...tabs, tab];
      return tab;
    },
    left(tab) {
      tabs = tabs.filter((one) => one !== tab);
      ends.delete(tab);
    },
    join(tab, onHint) {
      // The tab joins while it is being made: by the time a hint comes it is known.
      ends.set(tab, onHint);
      return {
        post(hint) {
          const copy = JSON.stringify(hint);
          for (const [other, deliver] of ends)
            if (other !== tab && !chance.hits(world.faults().hintsLost))
              void timeline.after(chance.unit() * 20, () => deliver(JSON.parse(copy)));
        },
        close: () => void ends.delete(tab),
      };
    },
    get losses() {
      return losses;
    },
    crash() {
      for (const tab of tabs) tab.kill();
      world.watch.snapshot(browser);
      disk.crash();
      world.watch.fellBack(browser);
      world.watch.snapshot(browser);
    },
    isOfLostDisk: (id) => lostRows.has(id),
    vanish() {
      losses++;
      for (const id of disk.state()?.outbox.keys() ?? []) lostRows.add(id);
      disk.vanish();
    },
  };
  return browser;
}
