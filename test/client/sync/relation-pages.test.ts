import { expect, test } from "bun:test";
import type { Answer } from "../../../src/client/link/contract.ts";
import { failure } from "../../../src/client/link/requests.ts";
import { createRelationPages } from "../../../src/client/sync/relation-pages.ts";
import { keepWith, openVault } from "./keeping.ts";

test("J97 pages of contacts and blocks that cannot be had now are asked for again, and are no fault", async () => {
  const vault = await openVault();
  const { clock, cache, keeper, faults, onFault } = keepWith(vault);
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

test("J97 one change of the log does not stand for all contacts and blocks: they are asked for until they were stored", async () => {
  const vault = await openVault();
  const lists = { ok: true, status: 200, body: { contacts: [], blocks: [{ user: "eve" }] } } as const;
  const visit = async (answers: readonly Answer[]): Promise<number> => {
    const { clock, cache, keeper, onFault } = keepWith(vault);
    cache.boot(await vault.boot(0));
    cache.setRelations(await vault.relations());
    let asked = 0;
    const ask = async (): Promise<Answer> => answers[asked++] ?? lists;
    createRelationPages({ clock, cache, keeper, onFault, link: { ask } }).begin(false);
    await clock.advance(0);
    await Bun.sleep(1);
    return asked;
  };
  expect(await visit([failure(503, { code: "unavailable", message: "restarts" })])).toBe(1);
  await vault.write({ relations: [{ user: "bob", contact: true, blocked: false }] }, "relaxed");
  expect(await visit([])).toBe(2);
  expect((await vault.relations()).map(({ user }) => user)).toEqual(["bob", "eve"]);
  expect(await visit([])).toBe(0);
  await vault.write({ reset: true, cursor: { from: null, to: "k", level: 1 } }, "relaxed");
  expect(await visit([])).toBe(2);
});

test("J97 contacts and blocks that another tab's reset has dropped are asked for by the next connection of each tab", async () => {
  const vault = await openVault();
  const { clock, cache, keeper, onFault } = keepWith(vault);
  let asked = 0;
  const ask = async (): Promise<Answer> => {
    asked++;
    return { ok: true, status: 200, body: { contacts: [], blocks: [{ user: "eve" }] } };
  };
  const pages = createRelationPages({ clock, cache, keeper, onFault, link: { ask } });
  const connect = async (isFresh: boolean): Promise<number> => {
    cache.boot(await vault.boot(0));
    cache.setRelations(await vault.relations());
    pages.begin(isFresh);
    await clock.advance(1);
    return asked;
  };
  expect([await connect(true), await connect(false)]).toEqual([2, 2]);
  await vault.write({ reset: true }, "relaxed");
  expect(await connect(false)).toBe(4);
  expect([...cache.relations.keys()]).toEqual(["eve"]);
  expect(await connect(false)).toBe(4);
});
