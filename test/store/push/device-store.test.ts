import { afterAll, beforeAll, expect, test } from "bun:test";
import { type DeviceStore, writeUntilGone } from "../../../src/store/push/device-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, newId, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
let [store, devices]: [Store, DeviceStore] = [undefined as never, undefined as never];
let conversation = "";
const alice = person("alice");
const [now, later] = [1_000, 2_000];

beforeAll(async () => {
  small = await openSmallStore({ limits: { pushAddressesPerUserMax: 2 } });
  ({ store } = small);
  devices = store.devices;
  ({ conversation } = await accepted(store, { from: "alice", to: "bob" }));
});
afterAll(() => small.close());

const register = (user: string, device: string, token: string, fields: object = {}, tenant = "default") =>
  devices.putDevice(person(user, tenant), device, {
    address: { provider: "p", token, hash: `h ${token}`, ...fields },
    now,
  });
const addressesOf = async (user: string, tenant = "default") =>
  (await store.push.undecided([person(user, tenant)]))
    .map(({ device }) => device)
    .toSorted()
    .join(" ");

test("U6 a token has one address: it moves to the device that registered it last, in any tenant", async () => {
  await register("alice", "phone", "t1");
  await register("bob", "tablet", "t1");
  expect([await addressesOf("alice"), await addressesOf("bob")]).toEqual(["", "tablet"]);
  await register("bob", "phone", "t1", {}, "other");
  expect([await addressesOf("bob"), await addressesOf("bob", "other")]).toEqual(["", "phone"]);
});

test("U25 where a device holds several accounts, a token has one address in each tenant", async () => {
  await register("carol", "phone", "t2", { isTenantsOwn: true });
  await register("carol", "phone", "t2", { isTenantsOwn: true }, "other");
  expect([await addressesOf("carol"), await addressesOf("carol", "other")]).toEqual(["phone", "phone"]);
  await register("dave", "phone", "t2", { isTenantsOwn: true });
  expect([await addressesOf("carol"), await addressesOf("dave"), await addressesOf("carol", "other")]).toEqual([
    "",
    "phone",
    "phone",
  ]);
});

test("S32 beyond the bound of a user the address that was refreshed longest ago goes", async () => {
  await register("erin", "one", "e1");
  await register("erin", "two", "e2");
  await devices.putDevice(person("erin"), "one", { address: { provider: "p", token: "e1", hash: "h e1" }, now: later });
  await register("erin", "three", "e3", {});
  expect(await addressesOf("erin")).toBe("one three");
});

test("U11 a device that is deleted has no address any more; one that is forgotten has no position either", async () => {
  await register("frank", "phone", "f1");
  await devices.deleteDevice(person("frank"), "phone");
  await devices.deleteDevice(person("frank"), "none");
  expect([
    await addressesOf("frank"),
    (
      await small.engine.read([
        {
          sql: "SELECT count(*) AS count FROM tidings_device d JOIN tidings_user u ON u.key = d.user WHERE u.id = 'frank'",
        },
      ])
    )[0],
  ]).toEqual(["", [{ count: 1 }]] as never);
  await devices.deleteDevice(person("frank"), "phone", { isForgotten: true });
  expect(
    (
      await small.engine.read([
        {
          sql: "SELECT count(*) AS count FROM tidings_device d JOIN tidings_user u ON u.key = d.user WHERE u.id = 'frank'",
        },
      ])
    )[0],
  ).toEqual([{ count: 0 }]);
});

test("GR68 T1 a group is muted by its members, not by a user of another tenant with the name of a member", async () => {
  const made = {
    id: newId(),
    name: "g",
    data: {},
    visibility: "private",
    history: "joined",
    members: ["bob"],
  } as const;
  const { view } = await store.groups.create(person("zoe"), made, 1);
  const { conversation } = view;
  expect(await store.devices.mute(person("bob", "other"), conversation, "forever")).toBe(false);
  expect(await store.devices.mutedUntil(person("bob"), conversation, 1)).toBe(null);
  expect(await store.devices.mute(person("bob"), conversation, "forever")).toBe(true);
  expect(await store.devices.mute(person("bob", "other"), conversation, null)).toBe(false);
  expect(await store.devices.mutedUntil(person("bob"), conversation, 1)).toBe("forever");
});

test("U9 a conversation is muted for a time, forever, or not, only by its own people", async () => {
  const until = (at = now) => devices.mutedUntil(alice, conversation, at);
  expect(await until()).toBeNull();
  expect([await devices.mute(alice, conversation, later), await until(), await until(later)]).toEqual([
    true,
    later,
    null,
  ]);
  expect([await devices.mute(alice, conversation, "forever"), await until(1e15)]).toEqual([true, "forever"]);
  expect([await devices.mute(alice, conversation, null), await until()]).toEqual([true, null]);
  expect([
    await devices.mute(person("eve"), conversation, later),
    await devices.mute(alice, "nonsense", later),
  ]).toEqual([false, false]);
});

test("U9 quiet hours are kept as they are, until they are removed", async () => {
  await devices.setQuietHours(person("newcomer"), "{hours}");
  expect([await devices.quietHours(person("newcomer")), await devices.quietHours(alice)]).toEqual(["{hours}", null]);
  await devices.setQuietHours(person("newcomer"), null);
  expect(await devices.quietHours(person("newcomer"))).toBeNull();
});

test("S47 a sweep forgets devices that were not seen for long, a few at a time, never one with an address", async () => {
  let place: Awaited<ReturnType<DeviceStore["sweep"]>> = null;
  let calls = 0;
  do {
    place = await devices.sweep({ before: 1e12, after: place });
    calls++;
  } while (place !== null && calls < 100);
  expect([await addressesOf("erin"), await addressesOf("dave")]).toEqual(["one three", "phone"]);
});

test("U28 a write is repeated until none of its deletes reaches the bound of a commit, with a turn between two", async () => {
  let left = 25;
  let turns = 0;
  const engine = {
    read: async () => [],
    write: async () => {
      const gone = Math.min(left, 10);
      left -= gone;
      return [Array.from({ length: gone }, () => ({}))];
    },
  };
  await writeUntilGone(
    { engine, limits: { ...defaultLimits, pushNoticesGoneMax: 10 }, clock: { defer: (task) => (turns++, task()) } },
    [],
  );
  expect([left, turns]).toEqual([0, 2]);
});
