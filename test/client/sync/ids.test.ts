import { describe, expect, test } from "bun:test";
import { createIds } from "../../../src/client/sync/ids.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function idsAt(bytes: (count: number) => Uint8Array = (count) => crypto.getRandomValues(new Uint8Array(count))) {
  const clock = fakeClock();
  return { clock, ids: createIds({ clock, randomBytes: bytes }) };
}

describe("ids", () => {
  test("J13 they are UUIDv7 with the time of the device", () => {
    const { clock, ids } = idsAt();
    const id = ids.next();
    expect(id).toMatch(form);
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(clock.now());
  });

  test("J13 ten thousand in one millisecond grow, and so do those after a clock that goes back", async () => {
    const { clock, ids } = idsAt();
    const made = Array.from({ length: 10_000 }, () => ids.next());
    clock.freeze(-3_600_000);
    made.push(ids.next());
    await clock.advance(1);
    made.push(ids.next());
    expect(made).toEqual([...made].sort());
    expect(new Set(made).size).toBe(made.length);
    for (const id of made) expect(id).toMatch(form);
  });

  test("J13 the next one is greater than one that exists, whatever random bytes come", () => {
    for (const byte of [0, 255]) {
      const { ids } = idsAt((count) => new Uint8Array(count).fill(byte));
      const other = createIds({
        clock: fakeClock(1_790_000_000_000),
        randomBytes: (count) => new Uint8Array(count).fill(255),
      }).next();
      ids.pass(other);
      expect(ids.next() > other).toBe(true);
      ids.pass("00000000-0000-7000-8000-000000000000");
      expect(ids.next() > other).toBe(true);
    }
  });
});
