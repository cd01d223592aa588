import { expect, test } from "bun:test";
import { welcomeOf } from "../../src/connection/welcome.ts";
import type { Position } from "../../src/protocol/cursor.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Store } from "../../src/store/store.ts";

/** A device that has acked up to 30, of a user whose devices have come to 40, in a log that ends at 50. */
const start = { head: { epoch: "e", n: 50 }, synced: 30, newest: 40, seen: 0, level: 1 };

function open(asked: Position | null | undefined, { level = 1, known = 1 } = {}) {
  const acks: unknown[] = [];
  const store = {
    cursors: { history: () => "h1", encode: ({ n, level: at }: Position) => `made ${n} ${at}` },
    ack: (_session: unknown, device: string, at: Position) => void acks.push(["ack", device, at.n]),
    ackList: (_session: unknown, device: string, n: number) => void acks.push(["ackList", device, n]),
  } as unknown as Store;
  const opening = {
    ...{ session: { tenant: "t", user: "alice" }, device: "phone", level, asked },
    ...{ cursor: asked === undefined ? undefined : "given", start: { ...start, level: known } },
  };
  const { n, frames } = welcomeOf(opening, { store, limits: defaultLimits, now: 7 });
  const [welcome, ...rest] = frames.map((frame) => JSON.parse(frame) as Record<string, unknown>);
  return { n, welcome, rest, acks };
}

test("P1 P74 the first frame names the user, the tenant, the device and the limits", () => {
  const { welcome } = open(undefined);
  expect(welcome).toMatchObject({
    type: "welcome",
    protocol: 1,
    level: 1,
    user: "alice",
    tenant: "t",
    device: "phone",
    history: "h1",
    time: 7,
  });
  expect([welcome?.["heartbeatMs"], welcome?.["cursor"]]).toEqual([defaultLimits.heartbeatMs, "made 30 1"]);
});

test("P10 P11 P13 a connection goes on at its cursor, also at the head, and acks it, else at its device's ack", () => {
  expect(open(undefined)).toMatchObject({ n: 30, rest: [], acks: [] });
  expect(open({ n: 45 })).toMatchObject({ n: 45, rest: [], acks: [["ack", "phone", 45]] });
  // It gets its own cursor back, also one below the device's ack, or at the head.
  expect(open({ n: 10 })).toMatchObject({ n: 10, welcome: { cursor: "given" } });
  expect(open({ n: 50 })).toMatchObject({ n: 50, rest: [] });
});

test("P13 a cursor of another history, or beyond the head, is void: the connection begins as a new device would", () => {
  for (const asked of [null, { n: 51 }])
    expect(open(asked)).toMatchObject({
      n: 40,
      acks: [],
      welcome: { cursor: "made 40 1" },
      rest: [{ type: "reset", reason: "epoch", cursor: "made 40 1" }],
    });
});

test("P52 a device that comes with a higher level than it has synced with begins anew", () => {
  const reset = { n: 40, acks: [], rest: [{ type: "reset", reason: "level", cursor: "made 40 2" }] };
  expect(open({ n: 45 }, { level: 2, known: 2 })).toMatchObject(reset);
  expect(open(undefined, { level: 2 })).toMatchObject(reset);
  expect(open({ n: 45, level: 2 }, { level: 2 })).toMatchObject({ n: 45, rest: [] });
  // With a lower one it has missed nothing.
  expect(open({ n: 45, level: 2 })).toMatchObject({ n: 45, rest: [] });
  expect(open(undefined, { level: 1, known: 2 })).toMatchObject({ n: 30, rest: [] });
});

test("S45 the cursor of the undelivered list is no position in the log, and confirms the list alone", () => {
  expect(open({ n: 45, isList: true })).toMatchObject({ n: 30, rest: [], acks: [["ackList", "phone", 45]] });
  expect(open({ n: 51, isList: true })).toMatchObject({ n: 40, acks: [], rest: [{ reason: "epoch" }] });
  expect(open({ n: 45, isList: true }, { level: 2 })).toMatchObject({ n: 40, acks: [], rest: [{ reason: "level" }] });
});
