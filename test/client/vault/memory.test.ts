import { expect, test } from "bun:test";
import { createMemoryDisk, memory } from "../../../src/client/vault/memory.ts";
import { arrival, message, row } from "./vault.contract.ts";
import { describeStorage } from "./run-contract.ts";

const disk = createMemoryDisk();
describeStorage("memory()", { kind: "memory", storage: () => memory(disk) });

const scope = { url: "https://app.example/chat", tenant: "t", user: "me" };

test("J67 a disk is taken back to a snapshot, which later writes do not change", async () => {
  const own = createMemoryDisk();
  const vault = await memory(own).open(scope, () => "d1");
  await vault.write({ ...arrival(message("c1", 1)), outbox: [{ do: "add", row: row("1") }] }, "strict");
  const before = await vault.boot(9);
  const snapshot = own.snapshot();
  await vault.write({ ...arrival(message("c1", 2), message("c2", 1)), outbox: [{ do: "try", id: "1" }] }, "relaxed");
  await memory(own).open({ ...scope, user: "eve" }, () => "d2");
  for (const _ of [1, 2]) {
    own.restore(snapshot);
    expect(await vault.boot(9)).toEqual(before);
    expect(await vault.messages({ conversation: "c1", first: 1, last: 9 })).toHaveLength(1);
    expect(await memory(own).scopes()).toEqual([scope]);
    await vault.write(arrival(message("c1", 2)), "relaxed");
  }
});
