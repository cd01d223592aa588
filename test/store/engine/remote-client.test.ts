import { describe, expect, test } from "bun:test";
import { createRemoteClient } from "../../../src/store/engine/remote-client.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const batch = [{ sql: "SELECT 1 AS one", args: [] }];
const rows = { cols: [{ name: "one" }], rows: [[{ type: "integer", value: "1" }]], affected_row_count: 0 };

/** A server's answer to a batch of one statement, in the words of Hrana over HTTP. */
function answerTo(
  asked: readonly { readonly type: string; readonly batch?: { readonly steps: readonly unknown[] } }[],
) {
  const results = asked.map(({ type, batch: { steps = [] } = {} }) => {
    const done = steps.map(() => rows);
    const result = { step_results: [...done.slice(0, -1), null], step_errors: steps.map(() => null) };
    return { type: "ok", response: { type, ...(type === "batch" && { result }) } };
  });
  return Response.json({ baton: null, base_url: null, results });
}

/** A client; the test decides how requests on kept connections are answered. */
function start(onKept: () => Promise<Response> | null) {
  const clock = fakeClock(undefined, () => Bun.sleep(1));
  const kept: boolean[] = [];
  const client = createRemoteClient({
    ...{ url: "http://127.0.0.1:1", deadlineMs: 8_000, clock, random: { integer: () => 2 ** 31 } },
    async fetch(request, { keepalive }) {
      const { requests } = (await request.json()) as { requests: Parameters<typeof answerTo>[0] };
      kept.push(keepalive !== false);
      return (keepalive === false ? null : await onKept()) ?? answerTo(requests);
    },
  });
  const read = async (): Promise<void> => {
    let isDone = false;
    const found = client.ask("read", batch, clock.elapsed() + 8_000).finally(() => (isDone = true));
    for (let i = 0; i < 200 && !isDone; i++) await clock.advance(50);
    expect((await found).map((each) => each.rows.length)).toEqual([1]);
  };
  return { clock, kept, read, close: client.close };
}

describe("whether connections are kept", () => {
  test("E24 E25 a server that said that it is busy has not lost them: they are used on", async () => {
    let isBusy = true;
    const { clock, kept, read, close } = start(async () => {
      if (isBusy) return new Response("", { status: 429 });
      return null as never;
    });
    await read();
    expect(kept.filter((isKept) => !isKept)).toHaveLength(1);
    // Long enough to judge the one that was busy.
    await clock.advance(2_000);
    isBusy = false;
    kept.length = 0;
    await read();
    expect(kept).toEqual([true]);
    close();
  });

  test("E24 one that was never answered may be lost: no other of its time is used", async () => {
    let isLost = true;
    const { clock, kept, read, close } = start(() => (isLost ? new Promise(() => {}) : null));
    await read();
    await clock.advance(2_000);
    isLost = false;
    kept.length = 0;
    await read();
    expect(kept).toEqual([false]);
    await clock.advance(331_000);
    await read();
    expect(kept).toEqual([false, true]);
    close();
  });
});
