import { describe, expect, test } from "bun:test";
import { createLease, type LeaseOptions } from "../../src/feed/lease.ts";
import { type FakeClock, fakeClock, passes } from "../support/fake-clock.ts";

const leaseMs = 8_000;

/** The lease in the database. A node takes it only with the holder and the beat that it has read. */
function createStored() {
  const state = { holder: "", beat: 0, n: 0, delayMs: 0, isAway: false };
  const on = async <T>(clock: FakeClock, act: () => T): Promise<T> => {
    if (state.isAway) throw new Error("away");
    const done = act();
    if (state.delayMs > 0) await new Promise<void>((resolve) => void clock.after(state.delayMs, resolve));
    return done;
  };
  const storeOn = (clock: FakeClock): LeaseOptions["store"] => ({
    worker: () => on(clock, () => ({ holder: state.holder, beat: state.beat })),
    take: (holder, from) =>
      on(clock, () => {
        if (state.holder !== from.holder || state.beat !== from.beat) return null;
        Object.assign(state, { holder, beat: state.beat + 1 });
        return state.n;
      }),
    beat: (holder, n) =>
      on(clock, () => {
        if (state.holder !== holder) return false;
        Object.assign(state, { beat: state.beat + 1, n: Math.max(state.n, n) });
        return true;
      }),
    leave: (holder) =>
      on(clock, () => {
        if (state.holder === holder) Object.assign(state, { holder: "", beat: state.beat + 1 });
      }),
  });
  return { state, storeOn };
}

function join({ storeOn }: ReturnType<typeof createStored>, clock: FakeClock, name: string, isAlone = false) {
  const state = { taken: [] as number[], lost: 0, position: 0, names: 0 };
  const lease = createLease({
    ...{ store: storeOn(clock), clock, leaseMs, isAlone },
    newName: () => `${name}${++state.names}`,
    position: () => state.position,
    onTaken: (n) => void state.taken.push(n),
    onLost: () => void state.lost++,
    report: () => {},
  });
  return { lease, state };
}

describe("a lease", () => {
  test("U8 one of several nodes holds it; a node that waits never takes it from a holder that gives signs of life", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const [one, other] = [join(stored, clock, "one"), join(stored, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    other.lease.start();
    for (let i = 0; i < 60; i++) {
      await clock.advance(1_000);
      expect([one.lease.isHeld(), other.lease.isHeld()]).toEqual([true, false]);
    }
    expect(one.state).toMatchObject({ taken: [0], lost: 0 });
  });

  test("U8 K71 a node that stops while it takes the lease begins nothing, and leaves it free", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const one = join(stored, clock, "one");
    stored.state.delayMs = 40;
    one.lease.start();
    // The first read is answered, and the lease is being taken.
    await clock.advance(60);
    expect(stored.state.holder).toBe("one1");
    await passes(clock, one.lease.stop());
    expect(one.state.taken).toEqual([]);
    expect([stored.state.holder, one.lease.isHeld()]).toEqual(["", false]);
    const { beat } = stored.state;
    await clock.advance(10 * leaseMs);
    expect(stored.state.beat).toBe(beat);
  });

  test("U8 K76 a node that takes the lease as its history ends begins nothing, and writes nothing more", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const one = join(stored, clock, "one");
    stored.state.delayMs = 40;
    one.lease.start();
    await clock.advance(60);
    one.lease.abandon();
    const { beat } = stored.state;
    await clock.advance(10 * leaseMs);
    expect([one.state.taken, one.lease.isHeld(), stored.state.beat]).toEqual([[], false, beat]);
  });

  test("U8 K76 a holder whose history ends holds nothing any more, and writes nothing more", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const one = join(stored, clock, "one");
    one.lease.start();
    await clock.advance(0);
    expect(one.lease.isHeld()).toBe(true);
    one.lease.abandon();
    const { beat } = stored.state;
    await one.lease.keep();
    await one.lease.stop();
    expect([one.lease.isHeld(), stored.state.beat, one.state.lost]).toEqual([false, beat, 0]);
  });

  test("U71 on a database of its own an idle holder writes nothing, and keeps the lease", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const one = join(stored, clock, "one", true);
    one.lease.start();
    await clock.advance(0);
    const { beat } = stored.state;
    await clock.advance(3_600_000);
    expect([stored.state.beat, one.lease.isHeld()]).toEqual([beat, true]);
    one.state.position = 7;
    await clock.advance(leaseMs);
    expect([stored.state.beat, stored.state.n]).toEqual([beat + 1, 7]);
    await clock.advance(3_600_000);
    expect(stored.state.beat).toBe(beat + 1);
    await one.lease.stop();
    expect(stored.state.holder).toBe("");
  });

  test("U8 a holder trusts its lease only until another node may begin, counted from before it asked", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const [one, other] = [join(stored, clock, "one"), join(stored, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    other.lease.start();
    // The database answers the holder slowly, and then no more.
    stored.state.delayMs = 1_500;
    await clock.advance(leaseMs / 4 + 1_500);
    expect(one.lease.isHeld()).toBe(true);
    stored.state.isAway = true;
    await clock.advance(leaseMs * 0.75 - 1_500 - 10);
    expect(one.lease.isHeld()).toBe(true);
    await clock.advance(20);
    expect(one.lease.isHeld()).toBe(false);
    Object.assign(stored.state, { isAway: false, delayMs: 0 });
  });

  test("U8 a node whose read of the lease was slow takes it no sooner than the holder gives it up", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const store = stored.storeOn(clock);
    let isCut = false;
    const cut: typeof store = {
      ...store,
      beat: (...beat) => (isCut ? Promise.reject(new Error("away")) : store.beat(...beat)),
    };
    const one = join({ ...stored, storeOn: () => cut }, clock, "one");
    one.lease.start();
    await clock.advance(0);
    let readDelayMs = 5_000;
    async function worker() {
      await new Promise<void>((resolve) => void clock.after(readDelayMs, resolve));
      readDelayMs = 0;
      return await store.worker();
    }
    const other = join({ ...stored, storeOn: () => ({ ...store, worker }) }, clock, "other");
    other.lease.start();
    // The sign of life at 4,000 ms is the last one; the read that began at 0 ms finds it at 5,000 ms.
    await clock.advance(4_500);
    isCut = true;
    for (let ms = 4_500; ms < 20_000; ms += 250) {
      expect(one.lease.isHeld() && other.lease.isHeld()).toBe(false);
      await clock.advance(250);
    }
    expect(other.lease.isHeld()).toBe(true);
  });

  test("U8 U5 a node that lost the lease stops, gets another name, and continues where the other node ended", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const one = join(stored, clock, "one");
    one.lease.start();
    await clock.advance(0);
    const before = one.lease.holder();
    Object.assign(stored.state, { holder: "other", beat: 100, n: 7 });
    await clock.advance(leaseMs / 4);
    expect(one.lease.isHeld()).toBe(false);
    expect(one.state.lost).toBe(1);
    expect(one.lease.holder()).not.toBe(before);
    // The other one gives no more signs of life.
    await clock.advance(leaseMs / 2);
    expect(one.state.taken).toEqual([0]);
    await clock.advance(leaseMs);
    expect(one.state.taken).toEqual([0, 7]);
    expect(stored.state.holder).toBe(one.lease.holder());
  });

  test("U8 U5 a holder that stops writes its position and leaves the lease free; a node that waits no longer takes it", async () => {
    const [stored, clock] = [createStored(), fakeClock()];
    const [one, other] = [join(stored, clock, "one"), join(stored, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    one.state.position = 42;
    await one.lease.stop();
    expect(stored.state).toMatchObject({ holder: "", n: 42 });
    expect(one.lease.isHeld()).toBe(false);
    stored.state.delayMs = 100;
    other.lease.start();
    await passes(clock, other.lease.stop());
    await clock.advance(1_000);
    expect(stored.state.holder).toBe("");
    expect(other.state.taken).toEqual([]);
  });
});
