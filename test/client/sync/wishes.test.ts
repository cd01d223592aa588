import { expect, test } from "bun:test";
import type { Answer, Ask } from "../../../src/client/link/contract.ts";
import { failure } from "../../../src/client/link/requests.ts";
import { createWishes } from "../../../src/client/sync/wishes.ts";
import type { RelationRow, Wish } from "../../../src/client/vault/rows.ts";
import { until } from "../../support/fake-socket.ts";
import { keepWith, openVault } from "./keeping.ts";

/** Wishes of an online client, whose server answers when the test says so; `takesFrames`: frames go out. */
async function online(takesFrames = false) {
  const vault = await openVault();
  const { clock, cache, keeper, faults, onFault } = keepWith(vault);
  const asked: ((answer: Answer) => void)[] = [];
  const paths: string[] = [];
  const link = {
    send: () => takesFrames,
    ask: ({ method, path }: Ask) =>
      new Promise<Answer>((resolve) => {
        paths.push(`${method} ${path}`);
        asked.push(resolve);
      }),
  };
  const wishes = createWishes({ clock, cache, keeper, onFault, link });
  wishes.begin();
  return {
    ...{ wishes, cache, asked, paths, clock, faults },
    stored: vault.relations,
    block: (is: boolean, user = "bob") => wishes.want({ kind: "block", user, is }),
    async grant(): Promise<void> {
      await until(() => asked.length > 0);
      asked.shift()?.(done);
      await until(() => cache.wishes.size === 0);
    },
    grantElsewhere: (granted: readonly Wish[]) => keeper.write({ granted }, "relaxed"),
    reset: () => keeper.write({ reset: true }, "relaxed"),
    log: (...relations: readonly RelationRow[]) => keeper.write({ relations }, "relaxed"),
  };
}

const done: Answer = { ok: true, status: 204, body: null };
const away = failure(500, { code: "internal", message: "It fails" });

const bob = (blocked: boolean): RelationRow => ({ user: "bob", contact: false, blocked });

test("J97 what the server grants is shown at once, and stored when the log brings it", async () => {
  const { wishes, stored, block, grant, log } = await online();
  await block(true);
  expect(wishes.relations()).toEqual([bob(true)]);
  await grant();
  expect([wishes.relations(), await stored()]).toEqual([[bob(true)], []]);
  await log(bob(true));
  expect([wishes.relations(), await stored()]).toEqual([[bob(true)], [bob(true)]]);
});

test("J97 a grant that comes late hides no newer change of another device, and is not stored", async () => {
  const { wishes, stored, block, grant, log } = await online();
  await log(bob(false));
  await block(true);
  // The log was faster than the answer; then bob was unblocked on another device.
  await log(bob(true));
  await log(bob(false));
  await grant();
  expect([wishes.relations(), await stored()]).toEqual([[], [bob(false)]]);
});

test("J97 a grant that the log does not bring ends with the next connection", async () => {
  const { wishes, block, grant } = await online();
  await block(true);
  await grant();
  expect(wishes.relations()).toEqual([bob(true)]);
  wishes.end();
  wishes.begin();
  expect(wishes.relations()).toEqual([]);
});

test("J97 a grant of a history that has ended is not shown in the next one", async () => {
  const { wishes, block, grant, reset } = await online();
  await block(true);
  await grant();
  await reset();
  expect(wishes.relations()).toEqual([]);
});

test("J97 a grant that is answered only after a reset is not shown, once another tab has had it granted", async () => {
  const { wishes, asked, block, reset, cache, grantElsewhere } = await online();
  await block(true);
  await until(() => asked.length > 0);
  await reset();
  asked.shift()?.({ ok: true, status: 204, body: null });
  await until(() => asked.length > 0);
  await grantElsewhere([...cache.wishes.values()]);
  expect(wishes.relations()).toEqual([]);
});

test("J100 a read mark whose frame is refused is asked for once more, and ends with the answer", async () => {
  const { wishes, cache, asked } = await online(true);
  await wishes.read({ conversation: "c1", seq: 1, id: "m1" });
  expect([asked.length, cache.wishes.size]).toEqual([0, 1]);
  wishes.refused();
  await until(() => asked.length === 1);
  asked.shift()?.({ ok: false, status: 404, code: "not_found", message: "No such", retry: false });
  await until(() => cache.wishes.size === 0);
});

test("J101 a wish that fails holds up no other one, and is asked for again", async () => {
  const { cache, asked, paths, clock, block } = await online();
  await block(true, "bob");
  await block(true, "carol");
  await block(true, "dave");
  // One that gets no answer holds up none either.
  await until(() => asked.length === 2);
  for (const answer of asked.splice(1)) answer(away);
  await until(() => asked.length === 2);
  for (const answer of asked.splice(1)) answer(done);
  await until(() => cache.wishes.size === 2);
  expect(paths).toEqual(["PUT /blocks/bob", "PUT /blocks/carol", "PUT /blocks/dave"]);
  await clock.advance(5_000);
  expect(paths.slice(3)).toEqual(["PUT /blocks/carol"]);
});

test("J101 the time that a server names counts for every wish, up to a minute", async () => {
  const { asked, paths, clock, block } = await online();
  for (const user of ["bob", "carol", "dave"]) await block(true, user);
  await until(() => asked.length === 2);
  for (const answer of asked.splice(0)) answer({ ...failure(429, { code: "rate", message: "" }), retryAfterMs: 9_000 });
  await clock.advance(0);
  await clock.advance(8_000);
  expect(paths).toHaveLength(2);
  await clock.advance(1_000);
  expect(paths.slice(2)).toEqual(["PUT /blocks/dave"]);
  await clock.advance(5_000);
  for (const answer of asked.splice(0))
    answer({ ...failure(503, { code: "http_503", message: "" }), retryAfterMs: 3_600_000 });
  await clock.advance(0);
  const before = paths.length;
  await clock.advance(59_000);
  expect(paths).toHaveLength(before);
  await clock.advance(1_000);
  expect(paths.length).toBeGreaterThan(before);
});

test("J101 of two wishes for the same the second one waits for the answer to the first, also on a later connection", async () => {
  const { wishes, asked, paths, block } = await online();
  await block(true);
  await until(() => asked.length === 1);
  wishes.end();
  wishes.begin();
  await block(false);
  await Bun.sleep(1);
  expect(paths).toEqual(["PUT /blocks/bob"]);
  asked.shift()?.(done);
  await until(() => asked.length === 1);
  expect(paths).toEqual(["PUT /blocks/bob", "DELETE /blocks/bob"]);
});
