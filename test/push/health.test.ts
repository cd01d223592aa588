import { afterEach, describe, expect, test } from "bun:test";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChat } from "../../src/chat.ts";
import { createSparing } from "../../src/internal/sparing.ts";
import { createPushHealth, type PushHealthChange } from "../../src/push/health.ts";
import { webhook } from "../../src/push/provider/webhook.ts";
import { deadline } from "../support/deadline.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";
import { createPhones, sent } from "./support/phone.ts";
import { startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

const secret = "a-secret-of-twenty-four-characters-or-more";
const notice = { kind: "message", token: "a-token" } as const;
/** Requests are signed on a thread, in real time: none is given up by the fake clock meanwhile. */
const signingMsMax = 1_000_000_000;

describe("a provider that refuses everything", () => {
  for (const status of [400, 401, 403, 503])
    test(`U68 with ${status} is reported once, and once more when it works again`, async () => {
      let isRefusing = true;
      let asked = 0;
      const fetch = () => (asked++, Promise.resolve(new Response(null, { status: isRefusing ? status : 204 })));
      const changes: PushHealthChange[] = [];
      const push = await startPush({
        providers: [webhook({ url: "https://app.example/push", secret, fetch })],
        onHealth: (change) => changes.push(change),
        limits: { pushAnswerMs: signingMsMax },
      });
      const passUntil = async (holds: () => boolean): Promise<void> => {
        for (const end = performance.now() + deadline.answerMs; !holds(); await push.pass(250))
          if (performance.now() > end) throw new Error("It did not come to hold in time");
      };
      for (let i = 0; i < 4; i++) await push.send("alice", `user${i}`);
      await push.pass(300);
      expect(changes).toEqual([]);
      for (let i = 4; i < 40; i++) await push.send("alice", `user${i}`);
      await passUntil(() => asked > 30);
      await push.pass(10_000, 250);
      expect(changes).toEqual([{ type: "failing", provider: "webhook", failures: 5, answer: `HTTP ${status}` }]);
      isRefusing = false;
      await push.send("alice", "bob");
      await passUntil(() => changes.length >= 2);
      await push.pass(400_000, 1_000);
      expect(changes.length).toBe(2);
      expect(changes[1]).toMatchObject({ type: "well", provider: "webhook", answer: `HTTP ${status}` });
      expect(changes[1]?.failures).toBeGreaterThan(30);
      expect(push.faults).toEqual([]);
    });

  test("U68 a provider that throws at each message is one log line in a minute", async () => {
    const broken = createPhones("broken", () => {
      throw new Error("defect");
    });
    const changes: PushHealthChange[] = [];
    const push = await startPush({ providers: [broken.provider], onHealth: (change) => changes.push(change) });
    for (let i = 0; i < 20; i++) {
      await push.register(`user${i}`, "phone", `token ${i}`, "broken");
      await push.send("alice", `user${i}`);
    }
    await push.pass(20_000, 250);
    expect(broken.requests.length).toBeGreaterThan(20);
    expect([push.faults.length, changes.length]).toEqual([1, 1]);
  });
});

describe("the count of failures", () => {
  function note() {
    const clock = fakeClock();
    const changes: PushHealthChange[] = [];
    const health = createPushHealth({ clock, onChange: (change) => changes.push(change) });
    return { clock, changes, health };
  }

  test("U68 ends with a request that succeeds, and contains no dead address and no failed clear", () => {
    const { changes, health } = note();
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 4; j++) health.note("p", notice, { type: "failed", answer: "no" });
      health.note("p", notice, { type: "dead", answer: "gone" });
      health.note("p", { ...notice, kind: "clear" }, { type: "failed", answer: "not silently" });
      health.note("p", notice, sent);
    }
    expect(changes).toEqual([]);
  });

  test("U68 reports the answer shortened and without the token", () => {
    const { changes, health } = note();
    const answer = `a-token is refused ${"x".repeat(1_000)}`;
    for (let i = 0; i < 5; i++) health.note("p", notice, { type: "retry", answer });
    expect(changes[0]?.answer.length).toBeLessThanOrEqual(200);
    expect(changes[0]?.answer).toStartWith("… is refused");
  });

  test("U68 reports a provider that fails and works in turn once in a minute", async () => {
    const { changes, health, clock } = note();
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 6; i++) health.note("p", notice, { type: "retry", answer: "busy" });
      health.note("p", notice, sent);
      await clock.advance(1_000);
    }
    expect(changes.map(({ type }) => type)).toEqual(["failing", "well", "failing", "well"]);
  });

  test("U68 reports the first of many faults, then one in a while with the number of the others", async () => {
    const clock = fakeClock();
    const reports: unknown[] = [];
    const report = createSparing({ clock, everyMs: 60_000, report: (...told) => reports.push(told) });
    for (let i = 0; i < 10; i++) report(i);
    await clock.advance(60_000);
    report("later");
    expect(reports).toEqual([
      [0, 0],
      ["later", 9],
    ]);
  });
});

test("U68 is one log line for all databases of a process, without a secret", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-health-"));
  const records: LogRecord[] = [];
  configureSync({
    reset: true,
    sinks: { list: (record: LogRecord) => void records.push(record) },
    loggers: [
      { category: ["tidings"], sinks: ["list"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["list"], lowestLevel: "warning" },
    ],
  });
  try {
    const clock = fakeClock();
    let asked = 0;
    const { promise: hasAskedForAll, resolve } = Promise.withResolvers<void>();
    const fetch = (): Promise<Response> => {
      if (++asked === 15) resolve();
      return Promise.resolve(new Response(null, { status: 401 }));
    };
    const chat = createChat({
      clock,
      limits: { pushAnswerMs: signingMsMax },
      database: (tenant) => ({ url: `file:${join(folder, `${tenant}.db`)}` }),
      authenticate: () => null,
      push: [webhook({ url: "https://app.example/push", secret, fetch })],
    });
    const tenants = ["one", "two", "three"];
    for (let i = 0; i < 5; i++)
      for (const tenant of tenants)
        await passes(clock, chat.send({ tenant, from: "alice", to: `user${i}`, text: "hello" }));
    await passes(clock, hasAskedForAll, 100);
    await passes(clock, chat.close());
    const lines = records.filter(({ properties }) => properties["provider"] === "webhook");
    expect(lines.map(({ level, properties }) => [level, properties])).toEqual([
      ["warning", { provider: "webhook", failures: 5, answer: "HTTP 401" }],
    ]);
    expect(JSON.stringify(records)).not.toContain(secret);
  } finally {
    resetSync();
    rmSync(folder, { recursive: true, force: true });
  }
});
