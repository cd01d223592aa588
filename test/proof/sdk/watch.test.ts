import { expect, test } from "bun:test";
import { systemRandom } from "../../../src/internal/random.ts";
import { createCursors } from "../../../src/protocol/cursor.ts";
import { firstEpoch, simulatedSecret } from "../sim/cursor-reader.ts";
import type { Histories } from "../sim/histories.ts";
import type { Browser } from "./browser.ts";
import type { DiskState } from "./disk.ts";
import { createWatch } from "./watch.ts";

const { encode } = createCursors({ secret: simulatedSecret, epoch: firstEpoch, random: systemRandom });
const ack = (n: number): string => JSON.stringify({ type: "ack", cursor: encode({ n }) });

/** The judge of one disk, which holds a cursor for each write. */
function watchDisk() {
  const problems: string[] = [];
  const watch = createWatch({
    histories: { names: () => [] } as unknown as Histories,
    problem: (rule, text) => void problems.push(`${rule} ${text}`),
    mayStall: false,
  });
  const stateAt = (n: number | null): DiskState =>
    ({
      meta: { device: "d", cursor: n === null ? null : encode({ n }), level: 1, identity: null },
      ...{ outbox: new Map(), conversations: new Map(), drafts: new Map() },
    }) as unknown as DiskState;
  let state = stateAt(null);
  const browser = { name: "alice0", disk: { state: () => state } } as unknown as Browser;
  return {
    problems,
    acks: (n: number, device = "d"): void => watch.frame(browser, ack(n), device),
    crashesTo(n: number): void {
      state = stateAt(n);
      watch.fellBack(browser);
    },
    moves(n: number): void {
      const before = state;
      state = stateAt(n);
      const cursor = { from: before.meta.cursor, to: state.meta.cursor ?? "", level: 1 };
      watch.wrote(browser, { before, after: state, write: { cursor } });
    },
  };
}

test("J5 a tab may ack what its disk has held, although another tab has moved the cursor back since", () => {
  const { problems, acks, moves } = watchDisk();
  moves(9);
  moves(8);
  acks(9);
  expect(problems).toEqual([]);
  acks(10);
  expect(problems).toEqual(["J5 alice0 acked 10, its disk has held 9"]);
});

test("J5 a tab whose disk was deleted may ack what that one has held, until it knows", () => {
  const { problems, acks, moves } = watchDisk();
  moves(7);
  acks(9, "the device of the disk that was deleted");
  expect(problems).toEqual([]);
  acks(9);
  expect(problems).toEqual(["J5 alice0 acked 9, its disk has held 7"]);
});

test("J5 what a crash has taken back is not held", () => {
  const { problems, acks, moves, crashesTo } = watchDisk();
  moves(9);
  crashesTo(7);
  acks(9);
  expect(problems).toEqual(["J5 alice0 acked 9, its disk has held 7"]);
});
