import { afterAll, beforeAll, expect, test } from "bun:test";
import { deadline } from "../../support/deadline.ts";
import { until } from "../../support/fake-socket.ts";
import { type Node, type Nodes, startNodes } from "../../support/nodes.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { newId } from "../../support/store.ts";
import { createMember, type NetMember } from "./members.ts";

/** As many before, during and after the trouble. */
const messages = 6;

describeWith("nats-server", "groups on several nodes", () => {
  let nodes: Nodes;
  const members: NetMember[] = [];
  beforeAll(async () => {
    nodes = await startNodes();
  });
  afterAll(async () => {
    for (const member of members) member.end();
    await nodes?.stop();
  });
  const at = (node: Node | undefined, user: string): NetMember => {
    const member = createMember(node?.url ?? "", user);
    members.push(member);
    return member;
  };

  test(
    "GR45 R9 O10 members on three nodes have everything, once and in order, after a node was killed and the bus was away",
    async () => {
      const [first, second, third] = nodes.all;
      const [ann, bob, cid] = [at(first, "ann"), at(second, "bob"), at(third, "cid")];
      const [dee, eve] = [at(second, "dee"), at(third, "eve")];
      const made = await ann.ask("POST", "/groups", { id: newId(), name: "Net", members: ["bob", "cid", "dee"] });
      const group = String(made["id"]);
      const write = async (when: string, users: readonly NetMember[]): Promise<void> => {
        for (let i = 0; i < messages; i++)
          await Promise.all(users.map((one) => one.send(group, `${one.user} ${when} ${i}`)));
      };
      const has = (one: NetMember, text: string): boolean => one.words.some((word) => word.text === text);
      await write("before", [ann, bob, cid]);
      await until(
        () => [ann, bob, cid, dee].every((one) => has(one, `ann before ${messages - 1}`)),
        "what was written",
        deadline.bulkMs,
      );

      await nodes.nats?.signal("SIGKILL");
      await second?.kill9();
      await write("during", [ann, cid]);
      await ann.ask("DELETE", `/groups/${group}/members/dee`);
      await ann.ask("POST", `/groups/${group}/members`, { users: ["eve"] });
      await write("late", [cid, eve]);
      await nodes.nats?.restart();
      await second?.replace();
      await write("after", [ann, bob, eve]);

      const here = [ann, bob, cid, eve];
      const last = (text: string) => `${text} after ${messages - 1}`;
      const isWhole = (one: NetMember): boolean => ["ann", "bob", "eve"].every((user) => has(one, last(user)));
      await until(() => here.every(isWhole) && dee.status() === "removed", "everything", deadline.bulkMs);
      expect(members.flatMap(({ complaints }) => complaints)).toEqual([]);
      // Created, added and removed are events.
      const all = 3 + messages * (3 + 2 + 2 + 3);
      expect([ann, bob, cid].map(({ words }) => words.length)).toEqual([all, all, all]);
      expect(bob.words).toEqual(ann.words);
      expect([dee.words.at(-1)?.event?.type, dee.words.length]).toEqual(["removed", 2 + messages * 5]);
      expect([eve.words[0]?.event?.type, eve.words.length, eve.status()]).toEqual([
        "added",
        1 + messages * 5,
        "member",
      ]);
    },
    4 * deadline.bulkMs,
  );
});
