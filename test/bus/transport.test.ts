import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { encodeSubject, subjectBytesMax } from "../../src/bus/subject.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { alike, anySubject, checksFailedBy, describeTransport, weakened, type World } from "./transport.contract.ts";

const openLocal = async (): Promise<World> => {
  const hub = createLocalBus();
  return { join: hub.connect, close: async () => {} };
};

describeTransport("within a process", openLocal);

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The subject of a text that `encodeSubject` made. */
const decodeSubject = (text: string): readonly string[] =>
  text
    .split(".")
    .map((part) =>
      part.replace(/(?:=[0-9A-F]{2})+/g, (escaped) =>
        decoder.decode(Uint8Array.from(escaped.slice(1).split("="), (digits) => Number.parseInt(digits, 16))),
      ),
    );

describe("subjects as text", () => {
  test("F7: a subject is read back from its text, which holds nothing that NATS takes for more than a name", () => {
    const check = (subject: readonly string[]): void => {
      const text = encodeSubject(subject);
      if (text === null) throw new Error("The subject cannot be carried");
      expect(decodeSubject(text)).toEqual([...subject]);
      expect(text).toMatch(/^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/);
      expect(text.length).toBeLessThanOrEqual(subjectBytesMax);
    };
    for (const subject of alike) check(subject);
    fc.assert(fc.property(anySubject, check), { numRuns: 2_000 });
  });

  test("F7: two subjects have two texts", () => {
    fc.assert(
      fc.property(anySubject, anySubject, (one, other) => {
        expect(encodeSubject(one) === encodeSubject(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 2_000 },
    );
    // The two may differ only in how a text is cut.
    fc.assert(
      fc.property(anySubject, fc.nat(), (subject, at) => {
        const whole = subject.join(".");
        const [before, after] = [whole.slice(0, at % whole.length), whole.slice(at % whole.length)];
        const cut = [before, after].filter((part) => part !== "" && part.isWellFormed());
        if (cut.join("") !== whole || JSON.stringify(cut) === JSON.stringify(subject)) return;
        expect(encodeSubject(cut)).not.toBe(encodeSubject(subject));
      }),
      { numRuns: 2_000 },
    );
  });

  test("F7: names that need no care stay readable; five of the longest that do fit", () => {
    expect(encodeSubject(["presence", "acme", "alice-1"])).toBe("presence.acme.alice-1");
    expect(encodeSubject(["user", "acme", "al.ice@shop"])).toBe("user.acme.al=2Eice=40shop");
    const longest = "@".repeat(128);
    expect(encodeSubject(Array<string>(5).fill(longest))).not.toBeNull();
    expect(encodeSubject(Array<string>(6).fill(longest))).toBeNull();
    expect(encodeSubject(["x".repeat(subjectBytesMax)])).not.toBeNull();
    expect(encodeSubject(["x".repeat(subjectBytesMax + 1)])).toBeNull();
  });
});

/** Nodes that write subjects down in a weaker way. */
const writing = (write: (subject: readonly string[]) => readonly string[]) => (node: Transport) => ({
  publish: (subject: readonly string[], text: string) => node.publish(write(subject), text),
  subscribe: (subject: readonly string[], listener: (text: string) => void) => node.subscribe(write(subject), listener),
});

test("control: F7 subjects with dots that are left alone, with folded case or that are cut short are found out", async () => {
  const planted = {
    dots: (subject: readonly string[]) => subject.flatMap((part) => part.split(/\.(?=.)/)),
    case: (subject: readonly string[]) => subject.map((part) => part.toLowerCase()),
    length: (subject: readonly string[]) => subject.map((part) => part.slice(0, 127)),
    form: (subject: readonly string[]) => subject.map((part) => part.normalize("NFC")),
    blanks: (subject: readonly string[]) => subject.map((part) => part.trim() || "-"),
  };
  for (const write of Object.values(planted))
    expect(await checksFailedBy(weakened(openLocal, writing(write)), /^F7: subjects/)).toHaveLength(1);
});

test("control: F6 nodes that hear themselves, hear twice, out of order or at once, or that fall with a listener are found out", async () => {
  const byNode = new Map<Transport, Map<string, Set<(text: string) => void>>>();
  const own = (node: Transport): Map<string, Set<(text: string) => void>> => {
    const found = byNode.get(node) ?? new Map<string, Set<(text: string) => void>>();
    byNode.set(node, found);
    return found;
  };
  const planted: readonly (readonly [RegExp, (node: Transport) => Partial<Transport>])[] = [
    [
      /does not hear it/,
      (node) => ({
        subscribe(subject, listener) {
          own(node).set(JSON.stringify(subject), new Set([listener]));
          return node.subscribe(subject, listener);
        },
        publish(subject, text) {
          node.publish(subject, text);
          for (const listener of own(node).get(JSON.stringify(subject)) ?? []) setImmediate(() => listener(text));
        },
      }),
    ],
    [
      /hears it once/,
      (node) => ({
        publish(subject, text) {
          node.publish(subject, text);
          node.publish(subject, text);
        },
      }),
    ],
    [
      /in its order/,
      (node) => ({
        publish: (subject, text) => void setTimeout(() => node.publish(subject, text), Number(text) % 7 || 0),
      }),
    ],
    [/until they end/, (node) => ({ subscribe: (subject, listener) => (node.subscribe(subject, listener), () => {}) })],
    [/after its end/, () => ({ close: async () => {} })],
  ];
  for (const [which, weaken] of planted)
    expect(await checksFailedBy(weakened(openLocal, weaken), which)).toHaveLength(1);
  expect(await checksFailedBy(openLocal)).toEqual([]);
});
