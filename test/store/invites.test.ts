import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ChatError } from "../../src/error.ts";
import type { Store } from "../../src/store/store.ts";
import { newId, person, storeOn } from "../support/store.ts";
import { embedded } from "./places.ts";

let place: Awaited<ReturnType<typeof embedded>>;
let store: Store;
let other: Store;
let small: Store;
beforeAll(async () => {
  place = await embedded();
  ({ store } = await storeOn(place.engine, { limits: { groupInvitesMax: 2 } }));
  // As of another node on the same database.
  ({ store: other } = await storeOn(place.engine));
  ({ store: small } = await storeOn(place.engine, { limits: { groupMembersMax: 2 } }));
});
afterAll(async () => {
  await store.close();
  await other.close();
  await small.close();
  await place.engine.close();
  await place.close();
});

const ann = person("ann");
const made = { name: "g", data: {}, visibility: "private", history: "joined" } as const;
const make = async (): Promise<string> =>
  (await store.groups.create(ann, { ...made, id: newId(), members: ["bob"] }, 1)).view.conversation;
const invite = async (group: string, hash: string, { expires = 100, uses = 1, now = 1 } = {}): Promise<void> =>
  store.groups.invite(ann, group, { id: hash, hash, expires, uses }, now);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    ({ code }: ChatError) => code,
  );

test("GR72 an invitation is used before its time ends, and not at its end", async () => {
  const group = await make();
  await invite(group, "timely", { uses: 9 });
  expect(await store.groups.invited(person("cid"), "timely", 99)).toBe(group);
  expect((await store.groups.joinInvited(person("cid"), "timely", 99)).size).toBe(3);
  expect(await store.groups.invited(person("cid"), "timely", 100)).toBeNull();
  for (const user of ["cid", "dan"])
    expect(await codeOf(store.groups.joinInvited(person(user), "timely", 100))).toBe("not_found");
  const page = { after: "", limit: 9 };
  expect((await store.groups.invites(ann, group, { ...page, now: 99 })).invites).toMatchObject([{ uses: 8 }]);
  expect((await store.groups.invites(ann, group, { ...page, now: 100 })).invites).toEqual([]);
});

test("GR75 invitations that have expired do not count", async () => {
  const group = await make();
  await invite(group, "first", { expires: 50 });
  await invite(group, "second");
  expect(await codeOf(invite(group, "third", { now: 49 }))).toBe("too_large");
  await invite(group, "third", { now: 50 });
});

test("GR71 on two nodes too, as many join as there are uses", async () => {
  const group = await make();
  await invite(group, "shared", { uses: 5 });
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      codeOf((i % 2 ? store : other).groups.joinInvited(person(`many-${i}`), "shared", 1)),
    ),
  );
  expect(outcomes.filter((one) => one === "answered")).toHaveLength(5);
  expect(outcomes.filter((one) => one === "not_found")).toHaveLength(25);
  expect((await store.groups.view(ann, group))?.size).toBe(7);
});

test("GR71 a group that is full takes no use", async () => {
  const group = await make();
  await invite(group, "full");
  expect(await codeOf(small.groups.joinInvited(person("cid"), "full", 1))).toBe("forbidden");
  expect((await store.groups.joinInvited(person("cid"), "full", 1)).size).toBe(3);
});

test("GR72 an invitation of another tenant's is none", async () => {
  await invite(await make(), "tenants");
  const stranger = person("cid", "acme");
  expect(await store.groups.invited(stranger, "tenants", 1)).toBeNull();
  expect(await codeOf(store.groups.joinInvited(stranger, "tenants", 1))).toBe("not_found");
});
