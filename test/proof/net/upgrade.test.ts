import { afterEach, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Event, judge } from "../checker/checker.ts";
import { createChance } from "../sim/chance.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { plant } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import { endClients, join as connect } from "../../support/client.ts";
import { deadline } from "../../support/deadline.ts";
import { until } from "../../support/fake-socket.ts";
import { checkOut, hasCommit, migrateAsRelease, unprefixedRelease } from "../../support/old-release.ts";
import { describeWhere } from "../../support/prerequisite.ts";
import { databaseEnv } from "../../support/remote-server.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { startSqld } from "../../support/sqld.ts";
import { createCrowd } from "./crowd.ts";

let ends: (() => unknown)[] = [];
afterEach(async () => {
  endClients();
  for (const end of ends.toReversed()) await end();
  ends = [];
});
const ending = <T>(thing: T, end: (thing: T) => unknown): T => {
  ends.push(() => end(thing));
  return thing;
};

const root = join(import.meta.dir, "../../..");

const statusOf = async ({ port }: RunningServer, path: string, init?: RequestInit): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;

/** Whether an upgrade is refused. */
const isRefused = ({ url }: RunningServer, user: string): Promise<boolean> =>
  connect(url, { user, withinMs: deadline.answerMs }).then(
    () => false,
    () => true,
  );

/** A crowd writes through the old release; the new one migrates the database and replaces it. */
async function upgradeUnderLoad(alterations: readonly Alteration[] = []) {
  const { dir: oldTree } = ending(checkOut(unprefixedRelease), ({ dispose }) => dispose());
  const sqld = ending(await startSqld({ isGuarded: true }), ({ stop }) => stop());
  const env = databaseEnv(sqld);
  await migrateAsRelease(oldTree, sqld);
  const old = ending(await startServer({ env, script: join(oldTree, "src/server.ts") }), ({ dispose }) => dispose());

  const events: Event[] = [];
  const urls = [old.url];
  const crowd = createCrowd({ users: 3, urls, chance: createChance(1), log: (event) => void events.push(event) });
  try {
    const idle = await connect(old.url, { user: "idle" });
    await until(() => crowd.facts.accepted > 150, "messages of the old release", deadline.bulkMs);
    await migrateAsRelease(root, sqld);
    let ready = 200;
    for (const end = Date.now() + deadline.answerMs; ready === 200 && Date.now() < end; await Bun.sleep(50))
      ready = await statusOf(old, "/readyz");
    expect(ready).toBe(503);
    expect(await isRefused(old, "user0")).toBe(true);
    const send = { id: randomUUID(), to: "user1", text: "too late" };
    const headers = { "Content-Type": "application/json" };
    expect(
      await statusOf(old, "/messages?user=stranger", { method: "POST", headers, body: JSON.stringify(send) }),
    ).toBe(503);

    // A balancer removes a node that is not ready.
    const next = ending(await startAltered({ env, alterations }), ({ dispose }) => dispose());
    urls.splice(0, 1, next.url);
    const before = crowd.facts.accepted;
    const hasFaults = (): boolean => crowd.complaints.length > 0;
    await until(() => crowd.facts.accepted > before + 150 || hasFaults(), "messages of the new one", deadline.bulkMs);
    await crowd.finish({
      recoveryMsMax: deadline.answerMs,
      liveMsMax: alterations.length > 0 ? 2_000 : deadline.answerMs,
    });
    // A user who did nothing is not closed before the old node is stopped, misses nothing, and gets the later messages.
    const sender = await connect(next.url, { user: "someone" });
    await sender.sendOk({ to: "idle" }, "meanwhile");
    expect(await old.stop()).toBe(0);
    expect(await idle.closed).toMatchObject({ code: 1012 });
    if (alterations.length === 0) {
      const back = await connect(next.url, { user: "idle", cursor: idle.cursor() });
      expect(back.messages().map(({ text }) => text)).toEqual(["meanwhile"]);
    }
  } catch (error) {
    await crowd.end();
    throw error;
  }
  return { faults: judge(events), complaints: crowd.complaints, facts: crowd.facts };
}

describeWhere(
  hasCommit(unprefixedRelease),
  `the commit ${unprefixedRelease}`,
  "a newer release takes the place of an older one",
  () => {
    test("O40 O11 on one database under load, nothing is lost, doubled or reordered, and no cursor is refused", async () => {
      const { faults, complaints, facts } = await upgradeUnderLoad();
      expect({ faults, complaints }).toEqual({ faults: [], complaints: [] });
      expect(facts.accepted).toBeGreaterThan(300);
    });

    test("control: O40 a release that reads older cursors as further than they are is found", async () => {
      const { faults } = await upgradeUnderLoad(plant("cursors of before are read as further than they are"));
      expect(new Set(faults.map((fault) => fault.class))).toContain("lost");
    });

    test("control: O40 a release that does not know older cursors is found", async () => {
      const { complaints } = await upgradeUnderLoad(plant("cursors of before are not known"));
      expect(complaints.some((text) => text.endsWith("was reset"))).toBe(true);
    });

    test("O40 on one file, after the old process was killed: its messages, cursors and retries continue", async () => {
      const { dir: oldTree } = ending(checkOut(unprefixedRelease), ({ dispose }) => dispose());
      const dir = ending(mkdtempSync(join(tmpdir(), "tidings-upgrade-")), (folder) =>
        rmSync(folder, { recursive: true }),
      );
      const env = { DATABASE_URL: `file:${join(dir, "chat.db")}` };
      const old = ending(await startServer({ dir, env, script: join(oldTree, "src/server.ts") }), ({ dispose }) =>
        dispose(),
      );
      const [bob, alice] = [
        await connect(old.url, { user: "bob", device: "d" }),
        await connect(old.url, { user: "alice", device: "d" }),
      ];
      const texts = Array.from({ length: 40 }, (_, i) => `message ${i}`);
      const sent = [];
      for (const text of texts) sent.push(await alice.sendOk({ to: "bob" }, text));
      await bob.when(() => bob.messages().length === texts.length);
      // Bob has stored no more than that, and gets the rest from the new release.
      const cursor = bob.frames.flatMap((frame) =>
        frame.type === "changes" && frame.changes.length > 0 ? [frame.cursor] : [],
      )[0];
      const seen =
        bob.frames.flatMap((frame) =>
          frame.type === "changes" && frame.changes.length > 0 ? [frame.changes.length] : [],
        )[0] ?? 0;
      await old.kill9();

      const next = ending(await startServer({ dir, env }), ({ dispose }) => dispose());
      const again = await connect(next.url, { user: "bob", device: "d", ...(cursor !== undefined && { cursor }) });
      expect(again.messages().map(({ text }) => text)).toEqual(texts.slice(seen));
      expect(again.frames.some(({ type }) => type === "reset")).toBe(false);
      const writer = await connect(next.url, { user: "alice", device: "d" });
      for (const [i, { id, conversation, seq, time }] of sent.entries())
        expect(await writer.send({ to: "bob" }, texts[i] ?? "", id)).toMatchObject({
          type: "accepted",
          id,
          conversation,
          seq,
          time,
          duplicate: true,
        });
      expect(await writer.sendBad({ to: "bob" }, "other", sent[0]?.id)).toMatchObject({ code: "conflict" });
      expect(await writer.sendOk({ to: "bob" }, "new")).toMatchObject({ seq: texts.length + 1 });
      await again.when(() => again.messages().at(-1)?.text === "new");
    });
  },
);
