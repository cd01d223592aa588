import { expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";

function start() {
  const tasks: (() => void)[] = [];
  const bus = createLocalBus({ clock: { defer: (task) => void tasks.push(task) } });
  const turn = (): void => {
    for (const task of tasks.splice(0)) task();
  };
  return { bus, tasks, turn };
}

test("F6 a text reaches the other members that want its subject, in a later turn, in order", () => {
  const { bus, turn } = start();
  const [a, b, c] = [bus.connect(), bus.connect(), bus.connect()];
  const heard: string[] = [];
  for (const [name, member] of Object.entries({ a, b }))
    member.subscribe(["news"], (text) => void heard.push(`${name} ${text}`));
  c.subscribe(["other"], (text) => void heard.push(`c ${text}`));
  a.publish(["news"], "1");
  c.publish(["news"], "2");
  expect(heard).toEqual([]);
  turn();
  expect(heard).toEqual(["b 1", "a 2", "b 2"]);
});

test("F6 where no one listens, and for a subject that cannot be carried, nothing is done", () => {
  const { bus, tasks } = start();
  const [a, b] = [bus.connect(), bus.connect()];
  a.subscribe(["news"], () => {});
  a.publish(["news"], "1");
  b.publish([], "2");
  b.publish(["other"], "3");
  expect(tasks).toEqual([]);
});

test("F6 a member that has closed neither hears nor says anything", async () => {
  const { bus, turn } = start();
  const [a, b] = [bus.connect(), bus.connect()];
  const heard: string[] = [];
  a.subscribe(["news"], (text) => void heard.push(`a ${text}`));
  b.subscribe(["news"], (text) => void heard.push(`b ${text}`));
  b.publish(["news"], "1");
  await a.close();
  a.subscribe(["news"], (text) => void heard.push(`late ${text}`));
  b.publish(["news"], "2");
  a.publish(["news"], "3");
  turn();
  expect(heard).toEqual([]);
});
