import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Transport } from "../../src/bus/transport.ts";
import { deadline } from "../support/deadline.ts";

/** Nodes that hear each other, for as long as a check needs them. */
export type World = {
  join(): Transport;
  close(): Promise<void>;
};

/** Waits, for a bounded time, until something holds; `again` is done each time until then. */
export async function eventually(holds: () => boolean, again: () => void = () => {}): Promise<void> {
  const end = Date.now() + deadline.answerMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error("It did not come to hold in time");
    again();
    await Bun.sleep(5);
  }
}

/** Resolves once a text of `from` has reached `to`: then all subscriptions of `to` hold, and all earlier texts of `from` have come. */
export async function meet(from: Transport, to: Transport): Promise<void> {
  const subject = ["meet", crypto.randomUUID()];
  let hasHeard = false;
  const end = to.subscribe(subject, () => void (hasHeard = true));
  await eventually(
    () => hasHeard,
    () => from.publish(subject, ""),
  );
  end();
}

/** The texts that a node receives on a subject. */
export function hear(node: Transport, subject: readonly string[]): string[] {
  const heard: string[] = [];
  node.subscribe(subject, (text) => heard.push(text));
  return heard;
}

/** Subjects that some way of writing them down would confuse. */
export const alike: readonly (readonly string[])[] = [
  ["a", "b"],
  ["a.b"],
  ["a", "b", "c"],
  ["a.b", "c"],
  ["a", "b.c"],
  ["a", ".b"],
  ["a.", "b"],
  ["*"],
  ["a", "*"],
  ["*", "b"],
  [">"],
  ["a", ">"],
  ["a"],
  ["A"],
  ["a", "B"],
  ["A", "b"],
  ["a "],
  [" a"],
  ["a\tb"],
  ["a\r\nPUB x 0\r\n"],
  ["a=2Eb"],
  ["a=2eb"],
  ["a%2Eb"],
  ["="],
  ["=3D"],
  ["$SYS", ">"],
  ["_INBOX", "*"],
  ["user", "acme", "auth0|1"],
  ["a|b"],
  ["a", "|"],
  ["é"],
  ["e\u0301"],
  ["\u0000"],
  ["\ufeff"],
  ["\ufeffa"],
  ["💬"],
  ["__proto__"],
  ["constructor"],
  ["x".repeat(128)],
  ["x".repeat(127)],
  ["x".repeat(127), "x"],
  ["@".repeat(128), "@".repeat(128)],
  ["@".repeat(128), `${"@".repeat(127)}~`],
];

const identifierChars = Array.from("ABCabcXYZxyz019+-_.@:~|");
const hostileChars = [...identifierChars, ...Array.from("*> \t\r\n=%$#/\\é💬\u0000")];
const part = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...hostileChars), minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...identifierChars), minLength: 1, maxLength: 128 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed()),
  },
);
export const anySubject: fc.Arbitrary<readonly string[]> = fc.array(part, { minLength: 1, maxLength: 4 });

type Check = { readonly name: string; readonly run: (world: World) => Promise<void> };

const checks: readonly Check[] = [
  {
    name: "F6: everybody else who listens hears it once, to the letter",
    async run(world) {
      const [alice, bob, carol] = [world.join(), world.join(), world.join()];
      const [bobs, carols] = [hear(bob, ["news"]), hear(carol, ["news"])];
      const texts = ["", "one", "two\r\nlines", 'é 💬 "\\ \u0000 \u2028', "x".repeat(100_000)];
      await Promise.all([meet(alice, bob), meet(alice, carol)]);
      for (const text of texts) alice.publish(["news"], text);
      await Promise.all([meet(alice, bob), meet(alice, carol)]);
      expect(bobs).toEqual(texts);
      expect(carols).toEqual(texts);
    },
  },
  {
    name: "F6: who tells does not hear it",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const [alices, bobs] = [hear(alice, ["news"]), hear(bob, ["news"])];
      await Promise.all([meet(alice, bob), meet(bob, alice)]);
      alice.publish(["news"], "from alice");
      bob.publish(["news"], "from bob");
      await Promise.all([meet(alice, bob), meet(bob, alice)]);
      expect(alices).toEqual(["from bob"]);
      expect(bobs).toEqual(["from alice"]);
    },
  },
  {
    name: "F6: nobody is called before publish has returned",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const heard = hear(bob, ["news"]);
      await meet(alice, bob);
      alice.publish(["news"], "one");
      expect(heard).toEqual([]);
      await eventually(() => heard.length === 1);
    },
  },
  {
    name: "F6: what one node tells comes in its order",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const heard: string[] = [];
      for (const subject of [["even"], ["odd"]]) bob.subscribe(subject, (text) => heard.push(text));
      await meet(alice, bob);
      const texts = Array.from({ length: 2_000 }, (_, i) => String(i));
      for (const [i, text] of texts.entries()) alice.publish([i % 2 === 0 ? "even" : "odd"], text);
      await meet(alice, bob);
      expect(heard).toEqual(texts);
    },
  },
  {
    name: "F6: several listeners of one subject each hear it, until they end",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const heard: string[] = [];
      const listen = (name: string) => bob.subscribe(["news"], (text) => heard.push(`${name} ${text}`));
      const [endFirst, endSecond] = [listen("first"), listen("second")];
      await meet(alice, bob);
      alice.publish(["news"], "1");
      await meet(alice, bob);
      endFirst();
      endFirst();
      alice.publish(["news"], "2");
      await meet(alice, bob);
      endSecond();
      alice.publish(["news"], "3");
      await meet(alice, bob);
      const endThird = listen("third");
      endSecond();
      await meet(alice, bob);
      alice.publish(["news"], "4");
      await meet(alice, bob);
      endThird();
      expect(heard).toEqual(["first 1", "second 1", "second 2", "third 4"]);
    },
  },
  {
    name: "F6: one function that listens twice is called twice, and ends once at a time",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const heard: string[] = [];
      const listener = (text: string): void => void heard.push(text);
      const end = bob.subscribe(["news"], listener);
      bob.subscribe(["news"], listener);
      await meet(alice, bob);
      alice.publish(["news"], "1");
      await meet(alice, bob);
      end();
      alice.publish(["news"], "2");
      await meet(alice, bob);
      expect(heard).toEqual(["1", "1", "2"]);
    },
  },
  {
    name: "F6: a listener that is ended while others are called is not called any more",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      const heard: string[] = [];
      let endSecond = (): void => {};
      bob.subscribe(["news"], () => endSecond());
      endSecond = bob.subscribe(["news"], (text) => heard.push(text));
      await meet(alice, bob);
      alice.publish(["news"], "1");
      await meet(alice, bob);
      expect(heard).toEqual([]);
    },
  },
  {
    name: "F6: a listener that fails costs nobody anything",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      bob.subscribe(["news"], () => {
        throw new Error("planted");
      });
      const heard = hear(bob, ["news"]);
      await meet(alice, bob);
      alice.publish(["news"], "1");
      alice.publish(["news"], "2");
      await meet(alice, bob);
      expect(heard).toEqual(["1", "2"]);
    },
  },
  {
    name: "F6: an answer to a question is heard by who listened before asking",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      bob.subscribe(["who"], (asker) => bob.publish(["answer", asker], "bob"));
      await meet(alice, bob);
      for (let i = 0; i < 50; i++) {
        const heard = hear(alice, ["answer", String(i)]);
        alice.publish(["who"], String(i));
        await eventually(() => heard.length === 1);
      }
    },
  },
  {
    name: "F6: after its end a node neither tells nor hears, and the others go on",
    async run(world) {
      const [alice, bob, carol] = [world.join(), world.join(), world.join()];
      const [alices, bobs, carols] = [alice, bob, carol].map((node) => hear(node, ["news"]));
      await Promise.all([meet(alice, bob), meet(bob, alice), meet(alice, carol), meet(bob, carol)]);
      alice.publish(["news"], "last words");
      await Promise.all([alice.close(), alice.close()]);
      alice.publish(["news"], "from beyond");
      const end = alice.subscribe(["news"], (text) => alices?.push(text));
      bob.publish(["news"], "from bob");
      await meet(bob, carol);
      end();
      expect(alices).toEqual([]);
      expect(bobs).toEqual(["last words"]);
      expect(carols).toEqual(["last words", "from bob"]);
    },
  },
  {
    name: "F7: subjects that look alike never meet",
    run: (world) => keepApart(world, alike),
  },
  {
    name: "F7: nor do subjects of any characters",
    run: (world) => keepApart(world, fc.sample(anySubject, { numRuns: 300, seed: 7 })),
  },
  {
    name: "F7: a subject that cannot be carried is refused by who listens, and told to nobody",
    async run(world) {
      const [alice, bob] = [world.join(), world.join()];
      await meet(alice, bob);
      for (const subject of [[], [""], ["a", ""], ["\ud800"], ["x".repeat(5_000)], Array<string>(2_000).fill("x")]) {
        expect(() => bob.subscribe(subject, () => {})).toThrow(TypeError);
        alice.publish(subject, "text");
      }
      await meet(alice, bob);
    },
  },
];

/** Each subject gets its own texts, and no others. */
async function keepApart(world: World, subjects: readonly (readonly string[])[]): Promise<void> {
  const [alice, bob] = [world.join(), world.join()];
  const distinct = [...new Map(subjects.map((subject) => [JSON.stringify(subject), subject])).values()];
  const heard = distinct.map((subject) => hear(bob, subject));
  await meet(alice, bob);
  for (const [i, subject] of distinct.entries()) alice.publish(subject, String(i));
  await meet(alice, bob);
  expect(heard).toEqual(distinct.map((_, i) => [String(i)]));
}

async function runCheck(check: Check, open: () => Promise<World>): Promise<void> {
  const world = await open();
  try {
    await check.run(world);
  } finally {
    await world.close();
  }
}

/** The contract of all transports. */
export function describeTransport(name: string, open: () => Promise<World>): void {
  describe(name, () => {
    for (const check of checks) test(check.name, () => runCheck(check, open));
  });
}

/** The names of the checks that a transport fails, of those that `which` names. For controls: a weak one must be found out. */
export async function checksFailedBy(open: () => Promise<World>, which = /^/): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const check of checks.filter(({ name }) => which.test(name)))
    await runCheck(check, open).catch(() => {
      failed.push(check.name);
    });
  return failed;
}

/** The same world with altered nodes: for weak transports. */
export const weakened =
  (open: () => Promise<World>, weaken: (node: Transport) => Partial<Transport>) => async (): Promise<World> => {
    const world = await open();
    return {
      ...world,
      join() {
        const node = world.join();
        return { ...node, ...weaken(node) };
      },
    };
  };
