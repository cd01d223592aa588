/** What groups cost in the store, in this process: processor time and bytes of the log. Prints its measurements as JSON. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Identity } from "../../../src/model.ts";
import type { Send } from "../../../src/store/store.ts";
import { answer, childInput } from "../child.ts";
import { groupId, groupsOfSize, memberName, peerName, writerName } from "../groups/seed.ts";
import { openSubject, sendAll } from "../groups/subject.ts";
import { median } from "../statistics.ts";

export type GroupStoreInput = {
  readonly folder: string;
  readonly sizes: readonly number[];
  readonly textBytes: number;
  readonly rounds: number;
};

/** Of one message, or one change of members. */
export type GroupCost = { readonly micros: number; readonly bytes: number };
export type GroupStoreAnswer = {
  /** Of a message at a hundred in a commit, and alone in one; first those to one other user, then those into groups of each size. */
  readonly full: readonly GroupCost[];
  readonly lone: readonly GroupCost[];
  /** Of each size. */
  readonly join: readonly GroupCost[];
  readonly leave: readonly GroupCost[];
  readonly addHundred: readonly GroupCost[];
};

const fullSends = 100;
const loneSends = 20;

const input = childInput<GroupStoreInput>();
const path = join(input.folder, "chat.db");
const text = "x".repeat(input.textBytes);
const store = await openSubject(path);
const random = (below: number): number => Math.floor(Math.random() * below);
const who = (user: string): Identity => ({ tenant: "default", user });
const logBytes = (): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

/** The medians of what the rounds took. */
class Meter {
  private readonly seen: GroupCost[] = [];

  async take(items: number, use: () => Promise<unknown>): Promise<void> {
    const [bytes, cpu] = [logBytes(), process.cpuUsage()];
    await use();
    const { user, system } = process.cpuUsage(cpu);
    this.seen.push({ micros: (user + system) / items, bytes: (logBytes() - bytes) / items });
  }

  cost(): GroupCost {
    return {
      micros: median(this.seen.map(({ micros }) => micros)),
      bytes: median(this.seen.map(({ bytes }) => bytes)),
    };
  }
}

type Make = () => Send;
const rest = (from: string) => ({ tenant: "default", from, id: Bun.randomUUIDv7(), text });

/** To one other user: the same people write as many messages. */
const direct: Make = () => {
  const i = random(groupsOfSize);
  return { ...rest(writerName(i)), to: peerName(i) };
};
const makes: readonly Make[] = [
  direct,
  ...input.sizes.map((size, at): Make => () => ({
    ...rest(memberName(random(size))),
    conversation: groupId(at, random(groupsOfSize)),
  })),
];
const meters = makes.map(() => ({ full: new Meter(), lone: new Meter() }));
/** The first rounds load statements and pages. */
const warmUpRounds = 3;
for (let round = 0; round < warmUpRounds + input.rounds; round++) {
  for (let i = 0; i < makes.length; i++) {
    // Each round begins with another one.
    const at = (i + round) % makes.length;
    const [make, meter] = [makes[at] ?? direct, meters[at]];
    const isMeasured = round >= warmUpRounds;
    const take = async (of: "full" | "lone", items: number, use: () => Promise<unknown>): Promise<unknown> =>
      isMeasured ? meter?.[of].take(items, use) : use();
    const sends = Array.from({ length: fullSends }, make);
    await take("full", fullSends, () => sendAll(store, sends));
    const alone = Array.from({ length: loneSends }, make);
    await take("lone", loneSends, async () => {
      for (const send of alone) await sendAll(store, [send]);
    });
  }
}

const changes = input.sizes.map(() => ({ join: new Meter(), leave: new Meter(), addHundred: new Meter() }));
for (let round = 0; round < groupsOfSize; round++) {
  for (const [at, { join: joining, leave, addHundred }] of changes.entries()) {
    const group = groupId(at, round);
    const comer = who(`comer-${round}-${at}`);
    await joining.take(1, () => store.groups.join(comer, group, 1));
    await leave.take(1, () => store.groups.leave(comer, group, 1));
    const added = Array.from({ length: 100 }, (_, i) => `added-${round}-${at}-${i}`);
    await addHundred.take(1, () => store.groups.add(who(memberName(0)), group, added, 1));
  }
}
await store.close();
answer({
  full: meters.map(({ full }) => full.cost()),
  lone: meters.map(({ lone }) => lone.cost()),
  join: changes.map((one) => one.join.cost()),
  leave: changes.map((one) => one.leave.cost()),
  addHundred: changes.map((one) => one.addHundred.cost()),
} satisfies GroupStoreAnswer);
process.exit(0);
