import { describe, expect, test } from "bun:test";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import { classesOf, describeFaults, type Event, judge } from "../checker/checker.ts";
import { startSqld } from "../../support/sqld.ts";
import { storeOn } from "../../support/store.ts";
import { deliver, historyOf } from "./deliver.ts";
import { mishaps, startProxy } from "./proxy.ts";

/** Most requests are answered in a few milliseconds. A slower one is only tried again. */
const deadlineMs = 300;
const messages = 4;

/** Each mishap at each of the first requests of a burst that has new sends and a retry, through a real server. */
async function throughProxy(wrap: (engine: Engine) => Engine, requests: number) {
  const server = await startSqld();
  const proxy = await startProxy(server.url, deadlineMs);
  const events: Event[] = [];
  try {
    const direct = createRemoteEngine({ url: server.url });
    const hasty = createRemoteEngine({ url: proxy.url, deadlineMs });
    // Opening is not under test: on a busy machine it may take longer than one call.
    let used: Engine = direct;
    const { store } = await storeOn(
      wrap({ ...hasty, read: (statements) => used.read(statements), write: (statements) => used.write(statements) }),
    );
    used = hasty;
    let unseen = 0;
    const onAccepted = async (id: string): Promise<void> => {
      const [[row] = []] = await direct.read([
        { sql: "SELECT count(*) AS count FROM tidings_message WHERE id = ?1", args: [id] },
      ]);
      if (row?.["count"] !== 1) unseen++;
    };
    for (const mishap of mishaps)
      for (let at = 1; at <= requests; at++) {
        proxy.plan((n) => (n === at ? mishap : null));
        const texts = Array.from({ length: messages }, (_, i) => `${mishap} ${at} ${i}`);
        await deliver(store, { from: "alice", to: `bob${at}`, texts, events, onAccepted });
        // The burst above may need fewer requests than that: the next one meets the remaining mishaps.
        await deliver(store, { from: `bob${at}`, to: "alice", texts, events, onAccepted });
      }
    proxy.plan(() => null);
    // Requests that the server carries out late must not matter either.
    await Bun.sleep(2 * deadlineMs);
    const { store: later } = await storeOn(direct);
    for (let at = 1; at <= requests; at++) events.push(await historyOf(later, `bob${at}`));
    events.push(await historyOf(later, "alice"));
    await store.close();
    await later.close();
    return { faults: judge(events), unseen, happened: proxy.happened() };
  } finally {
    proxy.stop();
    await server.stop();
  }
}

describe("a real server behind a network that fails", () => {
  test("D3 D4 E19 whatever happens to a request or its answer, an accepted message is there, once", async () => {
    const { faults, unseen, happened } = await throughProxy((engine) => engine, 2);
    if (faults.length > 0) throw new Error(describeFaults(faults));
    expect(unseen).toBe(0);
    expect(happened).toBe(2 * mishaps.length);
  });

  test("control: D3 an engine that takes silence for success is caught", async () => {
    const hopeful = (engine: Engine): Engine => ({
      ...engine,
      write: (statements) =>
        engine.write(statements).catch(() =>
          statements.map(({ sql, args: [rows] = [] }) => {
            if (!sql.includes("INSERT INTO tidings_message ")) return [{ n: 900_000, epoch: "" }];
            const sends = JSON.parse(String(rows)) as unknown[];
            return sends.map((_, i) => ({ n: 900_000 + i, conversation: 77, seq: i + 1, recipient: "bob" }));
          }),
        ),
    });
    const { faults, unseen } = await throughProxy(hopeful, 1);
    expect(unseen).toBeGreaterThan(0);
    expect(classesOf(faults)).toContain("lost");
  });
});
