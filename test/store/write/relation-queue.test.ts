import { describe, expect, test } from "bun:test";
import { createRelationQueue } from "../../../src/store/write/relation-queue.ts";

const tenant = "acme";
const block = (other: string) => ({ other, blocked: true });

function start({ saidMax = 10, rowsMax = 100 } = {}) {
  const queue = createRelationQueue({
    ...{ commitMarksMax: saidMax, commitRelationRowsMax: rowsMax, relationsMax: 100 },
  });
  const push = (user: string, others: readonly string[], present = 0): void =>
    void queue.push({ tenant, user }, others.map(block), present);
  const take = (): readonly string[] =>
    queue.take().map(({ identity, said }) => `${identity.user}: ${said.map(({ other }) => other).join()}`);
  return { queue, push, take };
}

describe("contacts and blocks that wait for a commit", () => {
  test("B1 a commit has one call of each user, and the calls of a user stay in their order", () => {
    const { queue, push, take } = start();
    push("alice", ["bob"]);
    push("alice", ["carol"]);
    push("dave", ["bob"]);
    expect(take()).toEqual(["alice: bob", "dave: bob"]);
    expect(take()).toEqual(["alice: carol"]);
    expect(queue.size()).toBe(0);
  });

  test("R1 a commit is bounded by its relations and by the rows that it counts, but takes one call of any size", () => {
    const { push, take } = start({ saidMax: 2, rowsMax: 10 });
    push("alice", ["a", "b", "c"]);
    push("bob", ["a"], 9);
    push("carol", ["a"], 9);
    expect(take()).toEqual(["alice: a,b,c"]);
    expect(take()).toEqual(["bob: a"]);
    expect(take()).toEqual(["carol: a"]);
  });

  test("B1 of one call about one user everything that it sets holds, the last value of each", async () => {
    const { queue } = start();
    void queue.push(
      { tenant, user: "alice" },
      [
        { other: "bob", contact: true },
        { other: "bob", blocked: true },
        { other: "bob", blocked: false },
      ],
      0,
    );
    expect(queue.take().map(({ said }) => said)).toEqual([[{ other: "bob", contact: true, blocked: false }]]);
  });
});
