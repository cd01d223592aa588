/** How long the store takes to read what is new to a user, and the list of conversations, in this process. Prints its measurements as JSON. */
import { join } from "node:path";
import type { Identity } from "../../../src/model.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { newest } from "../../../src/store/read/history.ts";
import { answer, childInput } from "../child.ts";
import { readerPlaces, readers } from "../groups/seed.ts";
import { openSubject } from "../groups/subject.ts";
import { median } from "../statistics.ts";

export type GroupReadersInput = { readonly folder: string; readonly rounds: number };
/** Microseconds, by the name of the look. */
export type GroupReadersAnswer = Readonly<Record<string, number>>;

const { folder, rounds } = childInput<GroupReadersInput>();
const store = await openSubject(join(folder, "chat.db"));
const places = readerPlaces((await store.head()).n);
const who = (user: string): Identity => ({ tenant: "default", user });
const most = Math.max(...readers.groups);
const all = readers.news + most;
const shown = 50;

/** Reads all that is new after a position; throws where it is not as many messages as there are. */
async function resume(user: string, after: number, expected: number): Promise<void> {
  let [at, count] = [after, 0];
  for (;;) {
    const bound = { rows: defaultLimits.pageChangesMax, bytes: defaultLimits.pageBytesMax };
    const { changes, upTo, more } = await store.changes(who(user), at, bound);
    count += changes.filter(({ kind }) => kind === "message").length;
    at = upTo;
    if (!more) break;
  }
  if (count !== expected) throw new Error(`${user} was told of ${count} messages after ${after}, not of ${expected}`);
}

const of = (groups: number): string => readers.nameOf(groups);
const looks: Readonly<Record<string, () => Promise<void>>> = {
  "nothing new, one": () => resume(readers.one, places.head, 0),
  "nothing new, groups": () => resume(of(most), places.head, 0),
  "news, one": () => resume(readers.one, places.news, readers.news),
  "news, groups": () => resume(of(most), places.news, readers.news),
  "news behind others', one": () => resume(readers.one, places.foreign, readers.news),
  "news behind others', groups": () => resume(of(most), places.foreign, readers.news),
  "news of all, one": () => resume(readers.one, places.start, all),
  "news of all, groups": () => resume(of(most), places.start, all),
  ...Object.fromEntries(
    readers.groups.map((groups) => [
      `list, ${groups}`,
      async () => {
        const { conversations } = await store.groups.list(who(of(groups)), { below: newest, limit: shown });
        if (conversations.length !== Math.min(shown, groups))
          throw new Error(`The list has ${conversations.length} groups`);
      },
    ]),
  ),
};

const times = new Map<string, number[]>();
for (let round = 0; round < rounds; round++)
  for (const [name, look] of Object.entries(looks)) {
    const start = performance.now();
    await look();
    const took = (performance.now() - start) * 1_000;
    times.set(name, [...(times.get(name) ?? []), took]);
  }
await store.close();
answer(Object.fromEntries(Array.from(times, ([name, all]) => [name, median(all)])) satisfies GroupReadersAnswer);
process.exit(0);
