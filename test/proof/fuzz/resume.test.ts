import { describe, expect, test } from "bun:test";
import type { Engine } from "../../../src/store/engine/engine.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Plant } from "../isolation/tenants.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import { rewrite } from "../../support/rewrite.ts";
import { tryHistory } from "./resume.ts";

/** `bun run prove fuzz` tries as many as time allows. */
const histories = 8;
/** A bug counts as not found when this many histories do not show it. */
const historiesOfControl = 10;

async function find(plant: Plant): Promise<string> {
  for (let seed = 1; seed <= historiesOfControl; seed++) {
    const { violations } = await tryHistory(seed, plant);
    if (violations.length > 0) return violations.join("\n");
  }
  return "nothing";
}

const planted = (bug: (store: Store) => Partial<Store>): Plant => ({
  wrapStore: (store) => ({ ...store, ...bug(store) }),
});

/** An engine with an altered writing statement. */
const rewritten = (bug: PlantName): Plant => ({
  wrapEngine: (engine: Engine): Engine => ({
    ...engine,
    write: (statements) => engine.write(rewrite(statements, plant(bug))),
  }),
});

describe("fuzz of histories", () => {
  test(`O6 O9 over ${histories} histories resume is whole or reset, and marks never go back`, async () => {
    let cases = 0;
    for (let seed = 1; seed <= histories; seed++) {
      const found = await tryHistory(seed);
      expect(found.violations).toEqual([]);
      cases += found.cases;
    }
    expect(cases).toBeGreaterThan(histories * 100);
  });

  test("control: O6 an incomplete page that is marked complete is found", async () => {
    const claiming = planted((store) => ({
      async changes(identity, after, limit) {
        const page = await store.changes(identity, after, limit);
        return page.more ? { ...page, more: false, upTo: (await store.head()).n } : page;
      },
    }));
    expect(await find(claiming)).toMatch(/O6: .*(covers|never came)/);
  });

  test("control: O6 a page without one of its changes is found", async () => {
    const leaking = planted((store) => ({
      async changes(identity, after, limit) {
        const page = await store.changes(identity, after, limit);
        return { ...page, changes: page.changes.filter((_, i) => i !== 1) };
      },
    }));
    expect(await find(leaking)).toMatch(/O6: .*covers/);
  });

  test("control: O6 a forged cursor beyond the head that is honoured is found", async () => {
    const trusting = planted((store) => ({
      async openDevice(identity, device, options) {
        const start = await store.openDevice(identity, device, options);
        return { ...start, head: { ...start.head, n: Number.MAX_SAFE_INTEGER } };
      },
    }));
    expect(await find(trusting)).toMatch(/O6: .*no reset/);
  });

  test("control: O6 a device that begins after a position that was not acked is found", async () => {
    const eager = planted((store) => ({
      async openDevice(identity, device, options) {
        const start = await store.openDevice(identity, device, options);
        return { ...start, synced: start.head.n };
      },
    }));
    expect(await find(eager)).toMatch(/O6: .*no device has acked/);
  });

  test("control: O9 a read mark that goes back is found", async () => {
    expect(await find(rewritten("a read mark goes back"))).toMatch(/O9: .*went back/);
  });

  test("control: O9 a read mark past the delivered one is found", async () => {
    expect(await find(rewritten("a read mark passes the delivered one"))).toMatch(/O9: read/);
  });
});
