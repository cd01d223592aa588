import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { selectSends } from "../../src/store/write/send-sql.ts";
import type { Commit } from "../../src/store/store.ts";
import { accepted, append, newId, person, storeOn } from "../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-race-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("O1 O5 F1 what another node wrote, after a commit had left it out, is none of that commit's", async () => {
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  let meanwhile = async (): Promise<void> => {};
  // A commit that left a send out reads its outcome, which may take long.
  const slow: Engine = {
    ...engine,
    async write(statements) {
      if (statements.some(({ sql }) => sql === selectSends)) await meanwhile();
      return await engine.write(statements);
    },
  };
  const [{ store: one }, { store: other }] = [await storeOn(slow), await storeOn(engine)];
  const commits: Commit[] = [];
  one.onCommit((commit) => void commits.push(commit));
  await other.relate(person("bob"), [{ other: "alice", blocked: true }]);
  const id = newId();
  const send = { from: "alice", to: "bob", id };
  let n = 0;
  meanwhile = async () => {
    meanwhile = async () => {};
    await other.relate(person("bob"), [{ other: "alice", blocked: false }]);
    ({ n } = await accepted(other, send));
  };
  expect(await append(one, send)).toMatchObject({ type: "accepted", n, duplicate: true });
  expect(n).toBeGreaterThan(0);
  for (const { to, entries } of commits) for (const { change } of entries) expect(change.n).toBeLessThanOrEqual(to);
  await one.close();
});
