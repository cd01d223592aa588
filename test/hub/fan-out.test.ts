import { describe, expect, test } from "bun:test";
import type { Connection } from "../../src/connection/connection.ts";
import { createGroupPresences } from "../../src/hub/group-presences.ts";
import { createFanOut } from "../../src/hub/fan-out.ts";
import { createRegistry } from "../../src/hub/registry.ts";
import type { LogEntry } from "../../src/model.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const tenant = "acme";

const message: LogEntry = {
  tenant,
  users: ["alice", "bob"],
  change: {
    ...{ kind: "message", n: 7, conversation: "c_2s", seq: 1, id: "m1" },
    ...{ from: "alice", to: "bob", text: "hi", time: 1 },
  },
};
const revocation: LogEntry = {
  tenant,
  users: ["bob"],
  change: { kind: "revocation", n: 8, user: "bob", reason: "logged out" },
};

/** Counts of connections by user, and what each of them was offered. */
function start(counts: Readonly<Record<string, number>>, level = 1) {
  const registry = createRegistry();
  const offered: string[] = [];
  const spent: { user: string; units: number }[] = [];
  const connections = Object.entries(counts).flatMap(([user, count]) =>
    Array.from({ length: count }, (_, i) => {
      const queueChange = (change: { text: string } | null) => void offered.push(`${user}${i} ${change?.text ?? null}`);
      const connection = { level, outgoing: { queueChange } } as unknown as Connection;
      registry.join({ tenant, user }, connection, 0);
      return connection;
    }),
  );
  const groups = createGroupPresences({
    store: { groups: { presences: async () => [] } },
    feed: { need() {}, release() {} },
  });
  const fanOut = createFanOut(
    { registry, groups, limits: defaultLimits },
    {
      spend: (doer, units) => void spent.push({ user: JSON.stringify(doer), units }),
    },
  );
  return { registry, connections, offered, spent, fanOut };
}

describe("fan-out", () => {
  test("T1 a change goes to the connections of the users who must get it, and to no others", () => {
    const { fanOut, offered, registry } = start({ alice: 1, bob: 2, carol: 1 });
    fanOut([message], 7);
    expect(offered.map((line) => line.split(" ")[0])).toEqual(["alice0", "bob0", "bob1"]);
    expect([registry.find(tenant, "bob")?.lastN, registry.find(tenant, "carol")?.lastN]).toEqual([7, 0]);
  });

  test("P90 a message to oneself is offered once, also where a node of an older release names its user twice", () => {
    for (const users of [["alice"], ["alice", "alice"]]) {
      const { fanOut, offered } = start({ alice: 2, bob: 1 });
      fanOut([{ ...message, users }], 7);
      expect(offered.map((line) => line.split(" ")[0])).toEqual(["alice0", "alice1"]);
    }
  });

  test("O6 the connection that sent it is offered no change, only the position", () => {
    const { fanOut, offered, connections } = start({ alice: 1, bob: 1 });
    fanOut([{ ...message, origin: connections[0] }], 7);
    expect(offered[0]).toBe("alice0 null");
    expect(offered[1]).toContain('"text":"hi"');
  });

  test("P51 a connection of a lower level is offered no change, only the position", () => {
    const { fanOut, offered } = start({ bob: 1 }, 0);
    fanOut([message], 7);
    expect(offered).toEqual(["bob0 null"]);
  });

  test("T5 a revocation is offered to no connection", () => {
    const { fanOut, offered } = start({ bob: 1 });
    fanOut([revocation], 8);
    expect(offered).toEqual([]);
  });

  test("R44 the sender pays for deliveries to more connections than a message includes", () => {
    const few = start({ bob: 4 });
    few.fanOut([message], 7);
    expect(few.spent).toEqual([]);
    const many = start({ bob: 40 });
    many.fanOut([message], 7);
    expect(many.spent).toHaveLength(1);
    expect(many.spent[0]?.user).toContain("alice");
    expect(many.spent[0]?.units).toBeGreaterThan(0);
  });

  /** Whether the ack of a message into a group, of which so many members are here, is stored soon. */
  async function isAckedSoonAmong(members: number): Promise<boolean | undefined> {
    const registry = createRegistry();
    const presence = { conversation: "c_2s", joinedN: 0, untilN: null, n: 1 };
    const groups = createGroupPresences({
      store: { groups: { presences: async () => [presence] } },
      feed: { need() {}, release() {} },
    });
    let isAckedSoon: boolean | undefined;
    const queueChange = (change: { isAckedSoon: boolean } | null) => void (isAckedSoon = change?.isAckedSoon);
    for (let i = 0; i < members; i++) {
      const session = { tenant, user: `u${i}` };
      const connection = { session, level: 3, outgoing: { queueChange } } as unknown as Connection;
      groups.enter(connection, registry.join(session, connection, 0));
    }
    await Bun.sleep(0);
    const { to: _, ...words } = { to: "", ...message.change };
    createFanOut({ registry, groups, limits: defaultLimits }, undefined)(
      [{ tenant, users: [], group: "c_2s", change: words as LogEntry<"message">["change"] }],
      7,
    );
    return isAckedSoon;
  }

  test("GR47 the acks of a message gather for longer in a group that is too large for receipts", async () => {
    expect(await isAckedSoonAmong(defaultLimits.groupReceiptsMax)).toBe(true);
    expect(await isAckedSoonAmong(defaultLimits.groupReceiptsMax + 1)).toBe(false);
  });
});
