import { afterAll, afterEach, beforeAll, expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushCommand } from "../../src/cli/push.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { putMigratedFile } from "../support/migrated-file.ts";
import { accepted, newId, person, storeOn } from "../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
const path = join(folder, "chat.db");
const id = newId();
beforeAll(async () => {
  await putMigratedFile(path);
  const { store } = await storeOn(createEmbeddedEngine({ path }));
  const me = "this node";
  await store.push.take(me, await store.push.worker());
  for (const device of ["phone", "tablet"])
    await store.devices.putDevice(person("bob"), device, {
      address: { provider: "p", token: device, hash: device },
      now: 7,
    });
  const { n } = await accepted(store, { from: "alice", to: "bob", id });
  await accepted(store, { from: "dave", to: "carol", id });
  const [phone] = await store.push.undecided([person("bob")]);
  await store.push.enqueue(me, phone ? [{ address: phone.address, upTo: n }] : []);
  const [due] = await store.push.due("p", 100, 1);
  if (due)
    await store.push.settle(
      me,
      [
        {
          due,
          until: null,
          isDone: true,
          attempts: 2,
          shown: 1,
          log: { decision: "send", reason: "sent", answer: "ok" },
        },
      ],
      1_000,
    );
  await store.close();
});

const log = spyOn(console, "log");
afterEach(() => void log.mockReset());
afterAll(() => {
  log.mockRestore();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]): Promise<string> {
  log.mockReset().mockImplementation(() => {});
  const explain = pushCommand.commands["explain"];
  if (explain?.type !== "action") throw new Error("there is no explain");
  const refusal = await explain.run([...args, "--database", `file:${path}`]).then(
    () => null,
    (error: Error) => error.message,
  );
  return refusal ?? log.mock.calls.flat().join("\n");
}

test("U10 it prints for each device the decision, its reason and its facts, for people", async () => {
  const lines = (await run(id.toUpperCase(), "bob")).split("\n");
  expect(lines[0]).toMatch(/^Message 1 of c\w+, from alice, \d{4}-\d\d-\d\dT/);
  expect(lines.slice(1)).toEqual([
    "  phone by p: send, sent. The provider has taken it",
    "    decided 1970-01-01T00:00:01.000Z; 2 requests before; answer: ok",
    "  tablet by p: wait, unacked. The device is connected, and may still ack",
  ]);
  expect(await run(id, "carol")).toEndWith("\n  no_devices  The user has no device");
});

test("U10 it prints JSON where that is asked for", async () => {
  expect(JSON.parse(await run(id, "bob", "--json"))).toMatchObject([
    { id, from: "alice", seq: 1, decisions: [{ device: "phone" }, { device: "tablet" }] },
  ]);
});

test("M16 a message that does not exist, and malformed words, are refused", async () => {
  expect([await run(newId(), "bob"), await run(id, "alice"), await run(id, "bob", "--tenant", "other")]).toEqual(
    Array(3).fill("There is no such message to that user"),
  );
  expect([await run("1", "bob"), await run(id, "b b"), await run(id, "bob", "--tenant", "")]).toEqual([
    "The message's id is not a canonical UUID",
    "The user or the tenant is malformed",
    "The user or the tenant is malformed",
  ]);
});
