import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature } from "../feature.ts";
import { phonesIn } from "../phones.ts";
import type { SimProcess } from "../process.ts";
import { learnRead, uncleared, unfinished, unsaved, unreached, unnotified } from "../push-judge.ts";
import { logOut, mute, react, register, restoreWishes, setQuietHours, turn } from "../push-wishes.ts";
import type { World } from "../world.ts";

const act =
  (what: (world: World, chance: Chance, device: SimDevice) => Promise<void>) =>
  (world: World, chance: Chance): void =>
    void what(world, chance, chance.pick(world.devices));

/** Ends the process of the push worker that sends, or sent last. */
function endWorker(world: World, end: (process: SimProcess) => void): void {
  const process = phonesIn(world).looks.worker();
  if (process && !process.isDead()) end(process);
}

/** Push notifications: registrations, settings, and the notifications on users' screens. */
export const push: Feature = {
  name: "push",
  operations: {
    register: { weight: 4, act: act(register) },
    "log out": { weight: 1, act: act(logOut) },
    "turn notifications on or off": { weight: 1, act: act(turn) },
    mute: { weight: 2, act: act(mute) },
    "quiet hours": { weight: 1, act: act(setQuietHours) },
    "provider down": {
      weight: 1,
      act: (world, chance) => phonesIn(world).close(chance, chance.between(200, 5_000)),
    },
    "kill -9 of the worker": { weight: 1, act: (world) => endWorker(world, (process) => world.killNodeOf(process)) },
    "SIGSTOP of the worker": {
      weight: 1.5,
      act: (world, chance) =>
        endWorker(world, (process) => {
          process.pause();
          void world.timeline.after(chance.between(1_000, 6_000), () => process.resume());
        }),
    },
  },
  model(device, world) {
    // Most have an app that registers at its start.
    const chance = device.chance.fork("register");
    if (chance.hits(0.6)) void world.timeline.after(chance.between(0, 300), () => void register(world, chance, device));
    return {
      reset(truth) {
        for (const [place, { read }] of truth.marks) {
          const [conversation = "", owner] = place.split(" ");
          if (owner === device.owner) learnRead(world, device, conversation, read);
        }
      },
      frame(frame) {
        if (frame.type !== "changes") return;
        for (const change of frame.changes)
          if (change.kind === "receipt" && change.user === device.user)
            learnRead(world, device, change.conversation, change.read);
      },
    };
  },
  equip(world, process) {
    const phones = phonesIn(world);
    phones.onRequest((request) => react(world, request));
    return { push: phones.providersFor(process), watch: (engine) => phones.looks.watch(engine, process) };
  },
  restored(world, truth) {
    restoreWishes(world, truth.push);
    phonesIn(world).restore();
  },
  missing: unsaved,
  late: (world) => [...unnotified(world), ...unreached(world), ...uncleared(world), ...unfinished(world)],
  invariants: [
    { rule: "U9", check: unsaved },
    { rule: "U5", check: unnotified },
    { rule: "U5", check: unreached },
    { rule: "U3", check: uncleared },
    { rule: "U5", check: unfinished },
  ],
};
