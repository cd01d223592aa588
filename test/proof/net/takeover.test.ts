import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, endClients, join as connect } from "../../support/client.ts";
import { until } from "../../support/fake-socket.ts";
import { type Node, type Nodes, startNodes } from "../../support/nodes.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { startAltered } from "../../support/alteration.ts";
import type { RunningServer, Start } from "../../support/server.ts";
import { type FakeWebhook, startFakeWebhook } from "../../push/fake/webhook.ts";
import { deadline } from "../../support/deadline.ts";

const secret = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
/** The real server, but it takes over from a dead node in a quarter of the time. */
const startHurried: Start = (options = {}) => startAltered({ ...options, limits: { pushLeaseMs: 5_000 } });
const named = (prefix: string): readonly string[] => Array.from({ length: 6 }, (_, i) => `${prefix}${i}`);

describeWith("nats-server", "pushes of several nodes", () => {
  let hook: FakeWebhook;
  let nodes: Nodes;
  let first: Node;
  let second: RunningServer;
  let alice: Client;

  beforeAll(async () => {
    hook = await startFakeWebhook(secret);
    const env = { PUSH_WEBHOOK_URL: hook.url, PUSH_WEBHOOK_SECRET: secret, PUSH_DELAY_MS: "100" };
    nodes = await startNodes({ count: 1, env, start: startHurried });
    [first] = nodes.all as [Node];
    // The first node sends them.
    second = await startHurried({ env: nodes.env });
    alice = await connect(second.url, { user: "alice" });
  });
  afterAll(async () => {
    endClients();
    await second?.dispose();
    await nodes?.stop();
    await hook?.dispose();
  });

  const writeTo = async (users: readonly string[]): Promise<void> => {
    for (const to of users) await alice.sendOk({ to }, "hello");
  };
  const notified = (): readonly string[] => hook.posted.map(({ data }) => String(data["user"])).toSorted();

  test("U8 U5 R9 after a node is killed while pushes wait, another sends each of them once", async () => {
    const [answered, unanswered, late] = [named("answered"), named("unanswered"), named("late")];
    await writeTo(answered);
    await until(() => hook.posted.length === answered.length, "the pushes of the first node");
    hook.fail(...unanswered.map(() => "hang" as const));
    const before = hook.requests();
    await writeTo(unanswered);
    await until(() => hook.requests() === before + unanswered.length, "requests that hang");
    await first.kill9();
    await writeTo(late);
    const all = [...answered, ...unanswered, ...late].toSorted();
    await until(() => hook.posted.length >= all.length, "the pushes of the second node", deadline.bulkMs);
    await first.replace();
    // The replaced node finds nothing left to send, and another worker at work.
    await Bun.sleep(2_000);
    await writeTo(["after"]);
    await until(() => hook.posted.length > all.length, "a push after it came back");
    await Bun.sleep(1_000);
    expect(notified()).toEqual([...all, "after"].toSorted());
    expect(new Set(hook.posted.map(({ id }) => id)).size).toBe(hook.posted.length);
    expect(hook.violations).toEqual([]);
  });
});
