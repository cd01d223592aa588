import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant, type PlantName, ruleOf } from "../plants/index.ts";
import { deadline } from "../support/deadline.ts";
import type { Identity } from "../../src/model.ts";
import { newId, person, storeOn } from "../support/store.ts";
import { embedded, remote } from "./places.ts";
import { describeGroups } from "./groups.contract.ts";

describeGroups("groups on an embedded file", embedded, { runs: 40 });
describeGroups("groups on a libSQL server", remote, { runs: 4 });

test("GR3 the removal of a user outside the group is no refusal, though they join right behind it", async () => {
  const { engine, close } = await embedded();
  let afterWrite = async (): Promise<unknown> => null;
  const { store } = await storeOn({
    ...engine,
    async write(statements) {
      const results = await engine.write(statements);
      const then = afterWrite;
      afterWrite = async () => null;
      await then();
      return results;
    },
  });
  const { view } = await store.groups.create(
    person("ann"),
    { id: newId(), name: "Lunch", data: {}, visibility: "open", history: "all", members: ["bob"] },
    1,
  );
  const remove = (asker: Identity & { readonly isHost?: boolean }) => {
    afterWrite = () => store.groups.join(person("cid"), view.conversation, 1);
    return store.groups.remove(asker, view.conversation, "cid", 1);
  };
  expect(await remove(person("ann"))).toMatchObject({ role: "owner" });
  await store.groups.leave(person("cid"), view.conversation, 1);
  expect(await remove({ ...person("ann"), isHost: true })).toMatchObject({ conversation: view.conversation });
  await store.groups.setRole(person("ann"), view.conversation, { user: "bob", role: "admin" }, 1);
  await expect(store.groups.remove(person("bob"), view.conversation, "ann", 1)).rejects.toThrow("higher role");
  await store.close();
  await close();
});

describe("faults planted into groups", () => {
  const fixture = join(import.meta.dir, "groups-fixture.ts");
  const preload = join(import.meta.dir, "../support/alter-preload.ts");

  /** What the contract says with a fault planted. */
  async function outputWith(name: PlantName, rule: string): Promise<string> {
    const child = Bun.spawn(
      [process.execPath, "test", "--timeout", String(deadline.testMs), "-t", rule, "--preload", preload, fixture],
      {
        env: { ...process.env, ALTERATIONS: JSON.stringify(plant(name)) },
        ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      },
    );
    const [output] = await Promise.all([child.stderr.text(), child.stdout.text(), child.exited]);
    return output;
  }

  const faults: readonly PlantName[] = [
    "who joins is told of the change before",
    "who leaves is not told of it",
    "who has left is told of what comes later",
    "who comes again is told of the time between",
    "who has left is not asked about any more",
    "groups of another tenant's user of the same name are told",
    "the marks of a large group are told to all",
    "a new member is told of marks from before",
    "the marks of those who have left are told",
    "a device without groups delivers them",
    "who joined later counts as a reader",
    "mentions of before a member joined are unread",
    "one's own call of all is a mention of oneself",
    "a retry with other mentions is the same message",
    "a membership is told from one change on",
    "what a member may read begins one place early",
    "what a member may read has no end",
    "events count as unread",
    "the last owner leaves the others behind",
    "an admin removes an owner",
    "who was removed from an open group joins again",
    "who comes again keeps the place where they left",
    "who has left may still write",
  ];
  for (const name of faults) {
    const [rule = ""] = ruleOf(name).split(" ");
    test(`control: ${rule} it is found that ${name}`, async () => {
      const output = await outputWith(name, rule);
      expect(output).toMatch(new RegExp(`^\\(fail\\).*\\b${rule}\\b`, "m"));
    });
  }
});
