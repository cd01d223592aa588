import { expect, test } from "bun:test";
import { createLog } from "../../src/internal/logger.ts";
import { createDirectory } from "../../src/tenant/directory.ts";
import type { Entry } from "../../src/tenant/entry.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";

function start(databaseOf: (tenant: string) => unknown = (tenant) => ({ url: `file:${tenant}.db` })) {
  const clock = fakeClock(0);
  const asked: string[] = [];
  const directory = createDirectory<{ url: string }>({
    databaseOf: (tenant) => (asked.push(tenant), databaseOf(tenant) as { url: string }),
    ...{ clock, limits: { hostAnswerMs: 100 }, log: createLog(["tidings"]) },
  });
  const codeOf = async (tenant: string): Promise<unknown> =>
    await directory
      .name(tenant)
      .catch((error: unknown) => (error instanceof Error && "code" in error ? error.code : error));
  return { clock, directory, asked, codeOf };
}
const entry = (url: string) => ({ url }) as Entry;

test("K11 questions about one tenant share an answer, and a later one is a new question", async () => {
  const { directory, asked } = start();
  expect(await Promise.all(["a", "a", "b"].map((tenant) => directory.name(tenant)))).toEqual([
    { url: "file:a.db" },
    { url: "file:a.db" },
    { url: "file:b.db" },
  ]);
  expect(asked).toEqual(["a", "b"]);
  await Bun.sleep(1);
  await directory.name("a");
  expect(asked).toEqual(["a", "b", "a"]);
});

test("K11 a host that fails, is late or names nothing is unavailable, and is asked again after a second", async () => {
  for (const wrong of [
    () => {
      throw new Error("x");
    },
    async () => {
      throw new Error("x");
    },
    () => null,
    () => undefined,
    () => ({}),
    () => ({ url: 7 }),
  ]) {
    const { clock, asked, codeOf, directory } = start(wrong);
    expect([await codeOf("a"), await codeOf("a"), asked.length]).toEqual(["unavailable", "unavailable", 1]);
    expect(directory.sizes().refusals).toBe(1);
    await clock.advance(1_000);
    await codeOf("a");
    expect(asked.length).toBe(2);
  }
  const late = start(() => new Promise(() => {}));
  const asked = late.codeOf("a");
  expect(await passes(late.clock, asked)).toBeWithin(100, 121);
  expect(await asked).toBe("unavailable");
});

test("T4 of a tenant that a stranger made up nothing is known, for any reason, and nothing is remembered", async () => {
  const { directory } = start((tenant) => {
    if (tenant === "broken") throw new Error("x");
    return tenant === "a" ? { url: "file:a.db" } : null;
  });
  expect([await directory.look("a"), await directory.look("nobody"), await directory.look("broken")]).toEqual([
    { url: "file:a.db" },
    null,
    null,
  ]);
  expect(directory.sizes()).toEqual({ tenants: 0, refusals: 0 });
});

test("R10 refusals that are over are forgotten", async () => {
  const { clock, directory, codeOf } = start(() => null);
  await codeOf("a");
  await clock.advance(600);
  await codeOf("b");
  await clock.advance(400);
  directory.sweep();
  expect(directory.sizes().refusals).toBe(1);
});

test("K11 tenants are found where they were noted, until their database is closed or they move", () => {
  const { directory } = start();
  const [one, other] = [entry("file:one.db"), entry("file:other.db")];
  for (const tenant of ["a", "b", "a"]) directory.note(tenant, one);
  directory.note("c", other);
  expect([directory.find("a"), directory.find("c"), directory.find("d"), directory.sizes().tenants]).toEqual([
    one,
    other,
    undefined,
    3,
  ]);
  directory.note("a", other);
  directory.forget(one);
  expect([directory.find("a"), directory.find("b")]).toEqual([other, undefined]);
  directory.forget(other);
  expect(directory.sizes()).toEqual({ tenants: 0, refusals: 0 });
});
