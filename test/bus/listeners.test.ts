import { expect, test } from "bun:test";
import { createListeners } from "../../src/bus/listeners.ts";

function start() {
  const interest: string[] = [];
  const listeners = createListeners({
    begin: (key) => void interest.push(`begin ${key}`),
    end: (key) => void interest.push(`end ${key}`),
  });
  return { interest, listeners };
}

test("F6 a subject is wanted from its first listener to its last", () => {
  const { interest, listeners } = start();
  const heard: string[] = [];
  const listener = (text: string) => void heard.push(text);
  // Each subscription counts, also two of one listener.
  const ends = [listeners.add(["a", "b.c"], listener), listeners.add(["a", "b.c"], listener)];
  expect([interest, listeners.has("a.b=2Ec"), listeners.keys()]).toEqual([["begin a.b=2Ec"], true, ["a.b=2Ec"]]);
  listeners.receive("a.b=2Ec", "1");
  listeners.receive("other", "2");
  expect(heard).toEqual(["1", "1"]);
  for (const end of [...ends, ...ends]) end();
  expect([interest, listeners.has("a.b=2Ec")]).toEqual([["begin a.b=2Ec", "end a.b=2Ec"], false]);
});

test("F6 the end of an old subscription does not end the interest of a new one", () => {
  const { interest, listeners } = start();
  const end = listeners.add(["a"], () => {});
  listeners.clear();
  listeners.add(["a"], () => {});
  end();
  expect([interest, listeners.has("a")]).toEqual([["begin a", "begin a"], true]);
});

test("F6 a listener that fails costs the others nothing; one that ends meanwhile is not called", () => {
  const { listeners } = start();
  const heard: string[] = [];
  listeners.add(["a"], () => {
    throw new Error("planted");
  });
  listeners.add(["a"], () => {
    endNext();
    listeners.add(["a"], () => void heard.push("too early"));
  });
  const endNext = listeners.add(["a"], () => void heard.push("ended"));
  listeners.add(["a"], (text) => void heard.push(text));
  listeners.receive("a", "text");
  expect(heard).toEqual(["text"]);
});

test("F7 a subject that cannot be carried is refused", () => {
  const { interest, listeners } = start();
  for (const subject of [[], [""], ["a", "\ud800"], ["x".repeat(2_049)]])
    expect(() => listeners.add(subject, () => {})).toThrow(TypeError);
  expect(interest).toEqual([]);
});
