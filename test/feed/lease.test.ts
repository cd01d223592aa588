import { describe, expect, test } from "bun:test";
import { createLease, type LeaseOptions } from "../../src/feed/lease.ts";
import { type FakeClock, fakeClock, passes } from "../support/fake-clock.ts";

const leaseMs = 8_000;

/** The worker's place as the database has it: whoever takes it must have seen how it stands. */
function createPlace() {
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

function join({ storeOn }: ReturnType<typeof createPlace>, clock: FakeClock, name: string, isAlone = false) {
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

describe("the worker's place", () => {
  test("U8 of several nodes one has it; who waits never takes it from one that gives signs of life", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const [one, other] = [join(place, clock, "one"), join(place, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    other.lease.start();
    for (let i = 0; i < 60; i++) {
      await clock.advance(1_000);
      expect([one.lease.isHeld(), other.lease.isHeld()]).toEqual([true, false]);
    }
    expect(one.state).toMatchObject({ taken: [0], lost: 0 });
  });

  test("U8 K71 who stops while taking the place begins nothing, and leaves it free", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const one = join(place, clock, "one");
    place.state.delayMs = 40;
    one.lease.start();
    // The first question is answered, and the place is being taken.
    await clock.advance(60);
    expect(place.state.holder).toBe("one1");
    await passes(clock, one.lease.stop());
    expect(one.state.taken).toEqual([]);
    expect([place.state.holder, one.lease.isHeld()]).toEqual(["", false]);
    const { beat } = place.state;
    await clock.advance(10 * leaseMs);
    expect(place.state.beat).toBe(beat);
  });

  test("U8 K76 one whose history ends while it takes the place begins nothing, and writes nothing more", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const one = join(place, clock, "one");
    place.state.delayMs = 40;
    one.lease.start();
    await clock.advance(60);
    one.lease.abandon();
    const { beat } = place.state;
    await clock.advance(10 * leaseMs);
    expect([one.state.taken, one.lease.isHeld(), place.state.beat]).toEqual([[], false, beat]);
  });

  test("U71 on a database that is its own alone a holder writes nothing while nothing happens, and keeps its place", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const one = join(place, clock, "one", true);
    one.lease.start();
    await clock.advance(0);
    const { beat } = place.state;
    await clock.advance(3_600_000);
    expect([place.state.beat, one.lease.isHeld()]).toEqual([beat, true]);
    one.state.position = 7;
    await clock.advance(leaseMs);
    expect([place.state.beat, place.state.n]).toEqual([beat + 1, 7]);
    await clock.advance(3_600_000);
    expect(place.state.beat).toBe(beat + 1);
    await one.lease.stop();
    expect(place.state.holder).toBe("");
  });

  test("U8 a holder trusts its place only until another one may begin, counted from before it asked", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const [one, other] = [join(place, clock, "one"), join(place, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    other.lease.start();
    // The database answers the holder slowly, and then no more.
    place.state.delayMs = 1_500;
    await clock.advance(leaseMs / 4 + 1_500);
    expect(one.lease.isHeld()).toBe(true);
    place.state.isAway = true;
    await clock.advance(leaseMs * 0.75 - 1_500 - 10);
    expect(one.lease.isHeld()).toBe(true);
    await clock.advance(20);
    expect(one.lease.isHeld()).toBe(false);
    Object.assign(place.state, { isAway: false, delayMs: 0 });
  });

  test("U8 U5 one that lost its place stops, has another name from then on, and goes on where the other one left", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const one = join(place, clock, "one");
    one.lease.start();
    await clock.advance(0);
    const before = one.lease.holder();
    Object.assign(place.state, { holder: "other", beat: 100, n: 7 });
    await clock.advance(leaseMs / 4);
    expect(one.lease.isHeld()).toBe(false);
    expect(one.state.lost).toBe(1);
    expect(one.lease.holder()).not.toBe(before);
    // The other one gives no more signs of life.
    await clock.advance(leaseMs / 2);
    expect(one.state.taken).toEqual([0]);
    await clock.advance(leaseMs);
    expect(one.state.taken).toEqual([0, 7]);
    expect(place.state.holder).toBe(one.lease.holder());
  });

  test("U8 U5 one that stops says how far it got, and leaves its place to whoever wants it; one that waits takes none any more", async () => {
    const [place, clock] = [createPlace(), fakeClock()];
    const [one, other] = [join(place, clock, "one"), join(place, clock, "other")];
    one.lease.start();
    await clock.advance(0);
    one.state.position = 42;
    await one.lease.stop();
    expect(place.state).toMatchObject({ holder: "", n: 42 });
    expect(one.lease.isHeld()).toBe(false);
    place.state.delayMs = 100;
    other.lease.start();
    await passes(clock, other.lease.stop());
    await clock.advance(1_000);
    expect(place.state.holder).toBe("");
    expect(other.state.taken).toEqual([]);
  });
});
