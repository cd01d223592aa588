import { expect, test } from "bun:test";
import { type NatsConnection, PermissionViolationError, type Status } from "@nats-io/transport-node";
import { createLink } from "../../../src/bus/nats/nats-link.ts";

type Callback = (error: Error | null, message: { string(): string }) => void;

/** A link over a connection that the test controls. */
function start({ pendingBytesMax = 100_000, payloadMax = 1_000 } = {}) {
  const lost = Promise.withResolvers<void>();
  const state = { fails: false, closes: 0, refusals: 0, wake: (_status: Status): void => {} };
  const [published, heard, ended]: [string[], string[], string[]] = [[], [], []];
  const callbacks = new Map<string, Callback>();
  const flushes: (() => void)[] = [];
  const connection = {
    info: { max_payload: payloadMax },
    closed: () => lost.promise,
    async *status() {
      for (;;) {
        yield await new Promise<Status>((resolve) => (state.wake = resolve));
      }
    },
    close: async () => (state.closes++, lost.resolve()),
    flush: () => new Promise<void>((resolve) => flushes.push(resolve)),
    publish(subject: string, text: string) {
      if (state.fails) throw new Error("planted");
      published.push(`${subject} ${text}`);
    },
    subscribe(subject: string, { callback }: { callback: Callback }) {
      if (state.fails) throw new Error("planted");
      callbacks.set(subject, callback);
      return { unsubscribe: () => void ended.push(subject) };
    },
  } as unknown as NatsConnection;
  const link = createLink({
    ...{ connection, prefix: "p", mark: "me-", pendingBytesMax },
    onText: (key, text) => void heard.push(`${key} ${text}`),
    onRefusal: () => void state.refusals++,
  });
  const arrive = (subject: string, text: string, error: Error | null = null) =>
    callbacks.get(subject)?.(error, { string: () => text });
  const say = async (status: object) => {
    await Bun.sleep(0);
    state.wake(status as Status);
    await Bun.sleep(0);
  };
  return { ...{ link, state, published, heard, ended, flushes, arrive, say }, lose: lost.resolve };
}

test("F6 a text goes out with the mark of its node, and comes in without that of its sender, except a node's own", () => {
  const { link, published, heard, ended, arrive } = start();
  link.publish("news", "hello");
  link.listen("news");
  for (const text of ["me-own", "an-other", "x", ""]) arrive("p.news", text);
  arrive("p.news", "an-error", new Error("x"));
  link.forget("news");
  link.forget("never");
  expect([published, heard, ended]).toEqual([["p.news me-hello"], ["news other"], ["p.news"]]);
});

test("F8 a text that the server does not take is dropped, by its bytes", () => {
  const { link, published } = start({ payloadMax: 9 });
  for (const text of ["é".repeat(3), "é".repeat(4), "x".repeat(6), "x".repeat(7)]) link.publish("k", text);
  expect(published).toEqual(["p.k me-ééé", "p.k me-xxxxxx"]);
});

test("F8 what the server has not read is bounded: it is asked now and then, and hints beyond the bound are dropped", async () => {
  const { link, published, flushes } = start({ pendingBytesMax: 2_000 });
  for (let i = 0; i < 20; i++) link.publish("k", `${i}`);
  // Each text costs about 260 bytes.
  expect([published.length, flushes.length]).toEqual([7, 1]);
  flushes[0]?.();
  await Bun.sleep(0);
  // It has read what was sent before the question, and is asked about the rest.
  expect(flushes.length).toBe(2);
  for (let i = 0; i < 20; i++) link.publish("k", `${i}`);
  expect(published.length).toBeWithin(8, 14);
});

test("F8 a connection that is lost in the middle of a call costs nothing else", () => {
  const { link, state } = start();
  state.fails = true;
  expect(() => {
    link.publish("k", "x");
    link.listen("k");
  }).not.toThrow();
});

test("F6 each kind of refusal is reported once; a silent server is left", async () => {
  const { state, say } = start();
  const violation = (operation: "publish" | "subscription", subject: string) =>
    new PermissionViolationError("x", operation, subject);
  for (const error of [
    violation("publish", "a"),
    violation("publish", "b"),
    violation("subscription", "a"),
    new Error("y"),
    new Error("y"),
  ])
    await say({ type: "error", error });
  await say({ type: "update" });
  expect([state.refusals, state.closes]).toEqual([3, 0]);
  await say({ type: "staleConnection" });
  expect(state.closes).toBe(1);
});

test("F8 F6 an end waits until what was published is out, or the connection is lost", async () => {
  const { link, state, flushes, lose } = start();
  let isSettled = false;
  void link.settled().then(() => (isSettled = true));
  await Bun.sleep(0);
  expect(isSettled).toBe(false);
  lose();
  await link.closed;
  await Bun.sleep(0);
  expect(isSettled).toBe(true);
  await link.end(0);
  expect([state.closes, flushes.length]).toEqual([1, 2]);
});
