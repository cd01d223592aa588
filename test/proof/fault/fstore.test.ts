import { describe, expect, test } from "bun:test";
import { openConnection } from "../../../src/store/engine/connection.ts";
import type { Socket } from "../../../src/connection/socket.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Plant } from "./day.ts";
import { modes } from "./faulty-engine.ts";
import { proof } from "./proof.ts";
import { calmDay, describeTrial, numberOf, runTrial, variants } from "./trial.ts";

/** More numbers, or others: FSTORE_COUNT=5000 FSTORE_FROM=5376 bun run test test/proof/fault/fstore */
const count = Number(process.env["FSTORE_COUNT"] ?? 0);
const from = Number(process.env["FSTORE_FROM"] ?? 0);
/** Each call fails in one mode, the next call in the next mode; `bun run prove fstore` tries all of them. */
const stride = modes.length;

async function sweep(variant: number, step: number): Promise<string[]> {
  const found: string[] = [];
  for (const [mode, name] of modes.entries()) {
    const { calls } = await calmDay(1, name);
    for (let slot = mode % step; slot < calls; slot += step) {
      const violation = describeTrial(await runTrial(numberOf({ day: 0, slot, variant, mode })));
      if (violation !== null) found.push(violation);
    }
  }
  return found;
}

describe("the store fails at every call", () => {
  test("D3 D4 H5 H11 H13 once, in every mode: every accepted message is there, every sent one arrives once", async () => {
    expect(await sweep(variants.indexOf("once"), stride)).toEqual([]);
  });

  test("D3 H5 H11 H13 twice, and for a while: the same", async () => {
    expect(await sweep(variants.indexOf("twice"), 107)).toEqual([]);
    expect(await sweep(variants.indexOf("outage"), 107)).toEqual([]);
  });

  test("D3 a number is a whole day: a second try gives the same", async () => {
    const number = numberOf({ day: 1, slot: 30, variant: 1, mode: 4 });
    expect(await runTrial(number)).toEqual(await runTrial(number));
  });

  if (count > 0)
    test("D3 D4 the numbers in FSTORE_FROM", async () => {
      const { tried, violations, facts } = await proof.run({ from, count, isOver: () => false, say: console.log });
      console.log(`fstore: ${tried} days, ${JSON.stringify(facts)}`);
      expect(violations).toEqual([]);
    }, 3_600_000);
});

/** Whether one of a few days finds the planted bug; returns the first violation. */
async function findsBug(plant: Plant, mode: (typeof modes)[number]): Promise<string> {
  const { calls } = await calmDay(1, mode);
  for (let slot = 0; slot < calls; slot += 2) {
    const number = numberOf({ day: 0, slot, variant: 0, mode: modes.indexOf(mode) });
    const violation = describeTrial(await runTrial(number, plant));
    if (violation !== null) return violation;
  }
  return "nothing was found";
}

/** Runs the statements as a commit would, and rolls them back. */
function rehearse(file: string, statements: readonly Statement[]): Row[][] {
  const connection = openConnection(file, { cacheBytes: 1_000_000, statementsMax: 64 });
  connection.exec("BEGIN IMMEDIATE");
  try {
    return statements.map((statement) => connection.run(statement));
  } finally {
    connection.discard();
  }
}

const wrap =
  (write: (inner: Engine, file: string) => Engine["write"]) =>
  (inner: Engine, file: string): Engine => ({ ...inner, write: write(inner, file) });

describe("controls: each planted bug is found", () => {
  test("control: D3 an engine that says a failed commit succeeded", async () => {
    const engine = wrap(
      (inner, file) => (statements) => inner.write(statements).catch(() => rehearse(file, statements)),
    );
    expect(await findsBug({ engine }, "full at commit")).toContain("which is not in the database");
  });

  test("control: D3 an engine that answers before it commits", async () => {
    // An answered call is committed before the next call.
    const engine = (inner: Engine, file: string): Engine => {
      let commit: () => Promise<unknown> = () => Promise.resolve();
      const late = async (): Promise<void> => {
        const due = commit;
        commit = () => Promise.resolve();
        await due().catch(() => {});
      };
      return {
        ...inner,
        async read(statements) {
          await late();
          return await inner.read(statements);
        },
        async write(statements) {
          await late();
          const rows = rehearse(file, statements);
          commit = () => inner.write(statements);
          return rows;
        },
      };
    };
    expect(await findsBug({ engine }, "busy at begin")).toContain("which is not in the database");
  });

  test("control: D3 H5 a store that forgets the senders of a failed commit", async () => {
    const store = (inner: Store): Store => ({
      ...inner,
      append: (send, settle) =>
        inner.append(send, (outcome) => {
          if (outcome.type === "accepted" || outcome.code !== "unavailable") settle(outcome);
        }),
    });
    expect(await findsBug({ store }, "before: nothing happened, then an error")).toMatch(
      /did not settle|not answered|out of order/,
    );
  });

  test("control: D3 O4 a store that refuses one send of a failed commit and stores the next", async () => {
    const store = (inner: Store): Store => ({
      ...inner,
      append: (send, settle) =>
        inner.append(send, (outcome) => {
          const isRefused = outcome.type === "refused" && outcome.code === "unavailable";
          if (isRefused && send.text.startsWith("burst 0")) settle({ type: "refused", code: "not_found" });
          else settle(outcome);
        }),
    });
    expect(await findsBug({ store }, "after: it was committed, then an error")).toContain("wanted accepted");
  });

  test("control: D3 H5 a hub that closes with another code than 1011", async () => {
    const socket = (inner: Socket): Socket => ({
      ...inner,
      close: (code, reason) => inner.close(code === 1011 ? 1012 : code, reason),
    });
    expect(await findsBug({ socket }, "full in a statement")).toContain("closed with 1012, not 1011");
  });
});
