import { expect, test } from "bun:test";
import { createRefusals } from "../../../src/push/provider/refusals.ts";

const [service, address] = ["fcm.googleapis.com", "token"];
const hour = 3_600_000;

/** Refuses the address at each of these times, with a notice for another address accepted before each. */
async function refuseAt(refusals: ReturnType<typeof createRefusals>, times: readonly number[]): Promise<boolean[]> {
  const dead: boolean[] = [];
  for (const now of times) {
    await refusals.taken(service, "another");
    dead.push(await refusals.refused(service, address, now));
  }
  return dead;
}

test("U29 an address is dead after five refusals that are spread over an hour", async () => {
  expect(await refuseAt(createRefusals(), [0, 1, 2, 3, hour])).toEqual([false, false, false, false, true]);
  // Five within less than an hour are not enough, nor are four in an hour.
  expect(await refuseAt(createRefusals(), [0, 1, 2, 3, hour - 1, hour])).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
  expect(await refuseAt(createRefusals(), [0, 1, 2, hour])).toEqual([false, false, false, false]);
});

test("U29 once an address was reported as dead, it is counted from the beginning", async () => {
  const refusals = createRefusals();
  await refuseAt(refusals, [0, 1, 2, 3, hour]);
  expect(await refuseAt(refusals, [hour + 1, hour + 2])).toEqual([false, false]);
});

test("U29 an accepted notice begins the count anew", async () => {
  const refusals = createRefusals();
  await refuseAt(refusals, [0, 1, 2, 3]);
  await refusals.taken(service, address);
  expect(await refuseAt(refusals, [hour, hour + 1])).toEqual([false, false]);
});

test("U29 while a service refuses every address, none of them is counted", async () => {
  const refusals = createRefusals();
  for (let i = 0; i < 20; i++) expect(await refusals.refused(service, address, i * hour)).toBe(false);
  // The acceptance of another service counts for nothing.
  await refusals.taken("push.example", "another");
  expect(await refusals.refused(service, address, 30 * hour)).toBe(false);
  // One refusal was counted of all these: four more make the address dead.
  expect(
    await refuseAt(
      refusals,
      [31, 32, 33, 34].map((i) => i * hour),
    ),
  ).toEqual([false, false, false, true]);
});
