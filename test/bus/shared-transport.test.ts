import { expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { shareTransport } from "../../src/bus/shared-transport.ts";

function start() {
  const tasks: (() => void)[] = [];
  const bus = createLocalBus({ clock: { defer: (task) => void tasks.push(task) } });
  const gaps: (() => void)[] = [];
  const newShare = shareTransport({ ...bus.connect(), onGap: (listener) => void gaps.push(listener) });
  const peer = bus.connect();
  return {
    newShare,
    peer,
    gap: () => gaps.forEach((listener) => listener()),
    turn: () => tasks.splice(0).forEach((task) => task()),
  };
}

test("K12 each share publishes and hears over one transport", () => {
  const { newShare, peer, turn } = start();
  const [one, other] = [newShare(), newShare()];
  const heard: string[] = [];
  for (const [name, transport] of Object.entries({ one, other, peer }))
    transport.subscribe(["news"], (text) => void heard.push(`${name} ${text}`));
  peer.publish(["news"], "1");
  one.publish(["news"], "2");
  turn();
  expect(heard).toEqual(["one 1", "other 1", "peer 2"]);
});

test("K11 a share that closes ends its own subscriptions and gap listeners, and nothing of the others", async () => {
  const { newShare, peer, gap, turn } = start();
  const [one, other] = [newShare(), newShare()];
  const heard: string[] = [];
  for (const [name, transport] of Object.entries({ one, other })) {
    transport.subscribe(["news"], (text) => void heard.push(`${name} ${text}`));
    transport.onGap(() => void heard.push(`${name} gap`));
  }
  const end = one.subscribe(["more"], () => void heard.push("more"));
  end();
  peer.subscribe(["news"], (text) => void heard.push(`peer ${text}`));
  await one.close();
  one.publish(["news"], "from a closed share");
  one.subscribe(["news"], () => void heard.push("late"))();
  peer.publish(["news"], "1");
  peer.publish(["more"], "2");
  gap();
  turn();
  expect(heard).toEqual(["other gap", "other 1"]);
});
