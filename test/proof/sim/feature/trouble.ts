import type { Chance } from "../chance.ts";
import type { Feature } from "../feature.ts";
import type { World } from "../world.ts";

const anyDevice = ({ devices }: World, chance: Chance) => chance.pick(devices);

/** Faults of connections, clients and nodes. */
export const trouble: Feature = {
  name: "trouble",
  operations: {
    cut: {
      weight: 4,
      act: (world, chance) => anyDevice(world, chance).cut(chance.pick(["both", "both", "client", "server", "none"])),
    },
    stall: { weight: 2, act: (world, chance) => anyDevice(world, chance).stall(chance.between(50, 8_000)) },
    hold: { weight: 1, act: (world, chance) => anyDevice(world, chance).hold(chance.between(50, 8_000)) },
    "crash of a client": { weight: 2, act: (world, chance) => anyDevice(world, chance).crash() },
    "kill -9": { weight: 1.5, act: (world, chance) => world.killNode(chance) },
    SIGTERM: { weight: 0.5, act: (world, chance) => world.stopNode(chance) },
    SIGSTOP: {
      weight: 1,
      act(world, chance) {
        const node = world.pickNode(chance);
        node?.process.pause();
        void world.timeline.after(chance.between(50, 6_000), () => node?.process.resume());
      },
    },
    partition: { weight: 1, act: (world, chance) => world.pickNode(chance)?.cutOff(chance.between(50, 4_000)) },
    "clock jump": {
      weight: 1,
      act: (world, chance) =>
        world.pickNode(chance)?.process.jump(chance.pick([-3_600_000, -60_000, -1_000, 1_000, 60_000, 3_600_000])),
    },
  },
  invariants: [
    {
      rule: "R3",
      check: ({ devices, faults }) =>
        devices
          .filter((device) => device.bufferedMax() > faults().limits.outboxBytesMax)
          .map((device) => `${device.reader}: ${device.bufferedMax()} bytes waited to go out`),
    },
  ],
};
