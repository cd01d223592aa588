import { expect, test } from "bun:test";
import type { Answer } from "../../../src/client/link/contract.ts";
import { failure } from "../../../src/client/link/requests.ts";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import { createRelationPages } from "../../../src/client/sync/relation-pages.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";

test("J97 pages of contacts and blocks that cannot be had now are asked for again, and are no fault", async () => {
  const vault = await memory().open({ url: "u", tenant: "t", user: "alice" }, () => "d");
  const clock = fakeClock();
  const cache = createCache();
  const faults: unknown[] = [];
  const onFault = (fault: unknown): void => void faults.push(fault);
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  const asked: string[] = [];
  const answers: Answer[] = [
    failure(0, { code: "network", message: "away" }),
    { ok: true, status: 200, body: { contacts: [{ user: "bob" }] } },
    failure(503, { code: "unavailable", message: "restarts" }),
    { ok: true, status: 200, body: { contacts: [{ user: "bob" }] } },
    { ok: true, status: 200, body: { blocks: [{ user: "eve" }] } },
  ];
  const ask = async ({ path }: { readonly path: string }): Promise<Answer> => {
    asked.push(path);
    return answers.shift() ?? failure(0, { code: "network", message: "asked too often" });
  };
  createRelationPages({ clock, cache, keeper, onFault, link: { ask } }).begin(true);
  for (let i = 0; i < 4; i++) await clock.advance(10_000);
  expect(asked).toEqual(["/contacts", "/contacts", "/blocks", "/contacts", "/blocks"]);
  expect(await vault.relations()).toEqual([
    { user: "bob", contact: true, blocked: false },
    { user: "eve", contact: false, blocked: true },
  ]);
  expect(faults).toEqual([]);
});
