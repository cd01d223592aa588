import type { Setting } from "../../../../src/model.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import { wishesIn } from "../push-wishes.ts";
import type { World } from "../world.ts";

/** The settings that a device knows, by conversation. */
const devices = new WeakMap<SimDevice, Map<string, Setting>>();

/** The level of settings on the wire: a device of a lower one is not sent any. */
const settingLevel = 2;

function model(device: SimDevice, world: World): Model {
  const known = new Map<string, Setting>();
  devices.set(device, known);
  return {
    // A client asks for the list, which has them.
    reset(truth) {
      known.clear();
      for (const [conversation, setting] of truth.settingsOf(device.owner)) known.set(conversation, setting);
    },
    frame(frame) {
      if (frame.type !== "changes") return;
      for (const change of frame.changes) {
        if (change.kind !== "setting") continue;
        const { kind: _, conversation, ...setting } = change;
        if (device.level < settingLevel)
          world.problem("P51", `${device.reader} is too old for ${JSON.stringify(change)}`);
        const before = known.get(conversation)?.version ?? 0;
        if (setting.version < before && !world.histories.isUnclear() && world.histories.generation() === 0)
          world.problem("P76", `${device.reader} had version ${before} of ${conversation}, and got ${setting.version}`);
        known.set(conversation, setting);
      }
    },
  };
}

const text = (settings: ReadonlyMap<string, Setting>): string =>
  JSON.stringify(
    [...settings]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([conversation, { muted, until, version }]) => [conversation, muted, until ?? null, version]),
  );

/** Every device that understands them has the settings that are stored, which changed no more often than their user asked for it. */
function wrong(world: World): readonly string[] {
  if (world.histories.isUnclear()) return [];
  const { asked } = wishesIn(world);
  return world.devices.flatMap((device) => {
    const settings = world.settingsOf(device.owner);
    const often = [...settings].flatMap(([conversation, { version }]) => {
      const times = asked.get(`mute ${device.owner} ${parseInt(conversation.slice(1), 36)}`) ?? 0;
      return version <= times
        ? []
        : [`${device.owner} asked ${times} times for ${conversation}, stored is version ${version}`];
    });
    if (device.isGone() || device.level < settingLevel) return often;
    const [had, stored] = [text(devices.get(device) ?? new Map<string, Setting>()), text(settings)];
    return had === stored ? often : [...often, `${device.reader} knows ${had}, stored is ${stored}`];
  });
}

/** What a user has set for a conversation, on every device of theirs. The operations that set it are those of `push`. */
export const settings: Feature = {
  name: "settings",
  operations: {},
  model,
  missing: wrong,
  invariants: [{ rule: "P75", check: wrong }],
};
