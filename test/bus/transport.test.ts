import { expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { checksFailedBy, describeTransport, weakened, type World } from "./transport.contract.ts";

const openLocal = async (): Promise<World> => {
  const hub = createLocalBus();
  return { join: hub.connect, close: async () => {} };
};

describeTransport("within a process", openLocal);

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
