import { afterEach, expect, test } from "bun:test";
import { createDefaultDeviceWatch } from "../../src/hub/default-device.ts";
import { startHub, type TestHub } from "../support/hub.ts";

const hubs: TestHub[] = [];
afterEach(async () => {
  for (const hub of hubs.splice(0)) await hub.stop();
});

test("H36 two connections of a user without a device are reported, once for each user; devices with names are not", async () => {
  const hub = await startHub();
  hubs.push(hub);
  const told = () => hub.events.flatMap((event) => (event.type === "default device shared" ? [event.user] : []));
  hub.connect("alice", { device: "default" });
  hub.connect("alice", { device: "phone" });
  hub.connect("bob", { device: "tablet" });
  hub.connect("bob", { device: "tablet" });
  expect(told()).toEqual([]);
  hub.connect("alice", { device: "default" });
  hub.connect("alice", { device: "default" });
  expect(told()).toEqual(["alice"]);
  hub.connect("bob", { device: "default" });
  hub.connect("bob", { device: "default" });
  expect(told()).toEqual(["alice", "bob"]);
});

test("H36 it is reported of a bounded number of users", () => {
  let reports = 0;
  const note = createDefaultDeviceWatch(() => reports++);
  for (let i = 0; i < 1_500; i++) note({ tenant: "default", user: `u${i}` }, "default", [{ device: "default" }]);
  expect(reports).toBe(1_000);
});
