import { ensure, ensureSame } from "../check.ts";
import { rowsOf } from "./user.ts";
import type { ServerCase } from "./world.ts";

export const peopleCases: readonly ServerCase[] = [
  {
    ...{ id: "S-32", section: "4" },
    title: "typing reaches the other user, is not echoed, and reaches no stranger",
    shows: "Otherwise users see themselves type, or others see it.",
    async run({ alice, bob, carol, device }) {
      const typist = await alice.connect({ device: device() });
      const [other, stranger] = [await bob.connect({ device: device() }), await carol.connect({ device: device() })];
      const { conversation } = await typist.accepted({ to: bob.name }, "first");
      typist.send({ type: "typing", to: bob.name, typing: true });
      const found = await other.next("typing");
      ensureSame([found.conversation, found.user, found.typing], {
        ...{ expected: [conversation, alice.name, true], what: "the frame" },
      });
      typist.send({ type: "typing", conversation, typing: false });
      await other.next("typing", ({ typing }) => typing === false);
      for (const socket of [typist, stranger]) {
        await socket.settle();
        ensure(!socket.frames().some(({ type }) => type === "typing"), "typing reached someone else");
      }
      typist.send({ type: "typing", to: alice.name, typing: true });
      ensureSame((await typist.next("error")).code, { expected: "invalid_recipient", what: "typing to oneself" });
    },
  },
  {
    ...{ id: "S-33", section: "4" },
    title: "watch is answered with the state of each user, and with each change of it",
    shows: "Otherwise it is not visible who is there.",
    async run({ alice, bob, device }) {
      const watcher = await alice.connect({ device: device() });
      await watcher.accepted({ to: bob.name }, "we know each other");
      watcher.send({ type: "watch", users: [bob.name, "kit-who-does-not-exist"] });
      const none = await watcher.next("presence", ({ user }) => user === "kit-who-does-not-exist");
      ensureSame([none.state, none.lastSeen], { expected: ["offline", undefined], what: "a user who does not exist" });
      await bob.connect({ device: device() });
      await watcher.next("presence", ({ user, state }) => user === bob.name && state === "online");
      watcher.send({ type: "watch", users: Array.from({ length: 501 }, (_, at) => `kit-user-${at}`) });
      ensureSame((await watcher.next("error")).code, { expected: "bad_frame", what: "watching 501 users" });
    },
  },
  {
    ...{ id: "S-34", section: "3" },
    title:
      "a blocked user's sends are rejected for good, the blocker may write, and both lasts until the end of the block",
    shows: "Otherwise nobody can get rid of somebody.",
    async run({ alice, bob, device }) {
      const [blocker, blocked] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      await blocked.accepted({ to: alice.name }, "before");
      await alice.askFor(204, { method: "PUT", path: `/blocks/${bob.name}` });
      try {
        await blocker.change("relation", (one) => one.user === bob.name && one.blocked === true);
        const { type, code, retry } = await blocked.message({ to: alice.name }, "let me talk");
        ensureSame([type, code, retry], { expected: ["rejected", "blocked", "never"], what: "the answer" });
        await blocker.accepted({ to: bob.name }, "the last word");
        const { body } = await alice.askFor(200, { path: "/blocks" });
        const listed = rowsOf<{ readonly user: string }>(body, "blocks").map(({ user }) => user);
        ensure(listed.includes(bob.name), "the block is not listed");
        ensure(!blocked.changes("relation").some(({ user }) => user === alice.name), "the blocked user was told of it");
      } finally {
        await alice.askFor(204, { method: "DELETE", path: `/blocks/${bob.name}` });
      }
      await blocker.change("relation", (one) => one.user === bob.name && one.blocked === false);
      await blocked.accepted({ to: alice.name }, "again");
    },
  },
  {
    ...{ id: "S-35", section: "3" },
    title: "contacts are added, listed and removed, and each is a change on the user's own devices",
    shows: "Otherwise the devices of a user have different contacts.",
    async run({ alice, bob, carol, device }) {
      const other = await alice.connect({ device: device() });
      await alice.askFor(204, { method: "DELETE", path: `/contacts/${carol.name}` });
      await alice.askFor(204, { method: "PUT", path: `/contacts/${carol.name}` });
      await other.change("relation", (one) => one.user === carol.name && one.contact === true);
      await alice.askFor(200, { path: `/contacts/${carol.name}` });
      await alice.askFor(204, { method: "POST", path: "/contacts", body: { users: [bob.name, carol.name] } });
      const { body } = await alice.askFor(200, { path: "/contacts" });
      const names = rowsOf<{ readonly user: string }>(body, "contacts").map(({ user }) => user);
      ensure(names.includes(bob.name) && names.includes(carol.name), `the contacts are ${names.join()}`);
      for (const one of [bob, carol]) await alice.askFor(204, { method: "DELETE", path: `/contacts/${one.name}` });
      await other.change("relation", (one) => one.user === carol.name && one.contact === false);
      await alice.askFor(404, { path: `/contacts/${carol.name}` });
      const self = await alice.ask("PUT", `/contacts/${alice.name}`);
      ensureSame(self.body?.["code"], { expected: "invalid_recipient", what: "the user as a contact" });
    },
  },
  {
    ...{ id: "S-36", section: "3" },
    title: "a mute is a setting with a growing version, for clients of level 2 and for nobody else",
    shows: "Otherwise an older answer undoes a newer mute.",
    async run({ alice, bob, device }) {
      const first = await alice.connect({ device: device() });
      const second = await alice.connect({ device: device(), level: 2 });
      const { conversation = "" } = await first.accepted({ to: bob.name }, "muted soon");
      const path = `/conversations/${conversation}/mute`;
      await alice.askFor(204, { method: "PUT", path, body: {} });
      const set = await second.change("setting", (one) => one.conversation === conversation && one.muted === true);
      const { body } = await alice.askFor(200, { path });
      ensureSame(body, { expected: { muted: true }, what: "the mute" });
      await alice.askFor(204, { method: "DELETE", path });
      const ended = await second.change("setting", (one) => one.conversation === conversation && one.muted === false);
      ensureSame(ended.version, { expected: Number(set.version) + 1, what: "the next version" });
      const one = await alice.askFor(200, { path: `/conversations/${conversation}` });
      ensureSame(one.body?.["setting"], {
        expected: { muted: false, version: ended.version },
        what: "the list's setting",
      });
      await first.settle();
      ensureSame(first.changes("setting"), { expected: [], what: "settings at level 1" });
    },
  },
  {
    ...{ id: "S-37", section: "5" },
    title: "a device that is forgotten is closed with 4401, and comes back as a new one",
    shows: "Otherwise a device that was wiped goes on receiving.",
    async run({ alice, device }) {
      const name = device();
      const socket = await alice.connect({ device: name });
      await alice.askFor(204, { method: "DELETE", path: `/devices/${name}`, query: { forget: "true" } });
      const { code, reason } = await socket.ended();
      ensureSame([code, reason], { expected: [4401, "the device was forgotten"], what: "the close" });
      await alice.connect({ device: name });
    },
  },
];
