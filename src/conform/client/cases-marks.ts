import { ensure, ensureSame, sleep } from "../check.ts";
import { rowsOf, type User } from "../server/user.ts";
import type { ClientCase } from "./world.ts";

/** A mark that nobody has asked for would have come by then. */
const quietMs = 1_000;

type Listed = { readonly id: string; readonly unread: number };

/** The conversation of two users, as the server lists it for the first one. */
async function conversationOf(self: User, { name }: User): Promise<Listed> {
  const { body } = await self.askFor(200, { path: "/conversations", query: { with: name } });
  const [row] = rowsOf<Listed>(body, "conversations");
  ensure(row !== undefined, `the server has no conversation with ${name}`);
  return row;
}

export const marksCases: readonly ClientCase[] = [
  {
    ...{ id: "C-44", section: "3" },
    title: "own messages show as delivered and as read, each when the other's mark has reached it",
    shows: "Otherwise people wait for an answer to what nobody has seen.",
    async run({ client, self, peer }) {
      client.start();
      await client.status("online");
      const ids = [await client.send("one"), await client.send("two")] as const;
      for (const id of ids) await client.item(id, "accepted");
      const device = "kit-reader";
      const { body } = await peer.askFor(200, { path: "/messages", query: { device } });
      await peer.askFor(204, { method: "POST", path: "/ack", body: { device, cursor: body?.["cursor"] } });
      for (const id of ids) await client.item(id, "delivered");
      const { id } = await conversationOf(self, peer);
      const read = async (seq: number): Promise<void> =>
        void (await peer.askFor(204, { method: "POST", path: `/conversations/${id}/read`, body: { seq } }));
      await read(1);
      await client.item(ids[0], "read");
      const isEarly = client
        .program()
        .lines()
        .some((line) => "item" in line && line.item.id === ids[1] && line.item.state === "read");
      ensure(!isEarly, "a message above the mark shows as read");
      await read(2);
      await client.item(ids[1], "read");
      await client.agree();
    },
  },
  {
    ...{ id: "C-45", section: "4" },
    title: "what the user has read, and nothing else, is told to the server",
    shows: "Otherwise a message counts as read on a screen that nobody looks at, or unread for ever.",
    async run({ client, self, peer, write }) {
      client.start();
      await client.status("online");
      for (const text of ["one", "two", "three"]) await write(text);
      await client.shows("three");
      await client.agree();
      await sleep(quietMs);
      ensureSame((await conversationOf(self, peer)).unread, { expected: 3, what: "unread before the user reads" });
      client.tell({ do: "read", to: peer.name, seq: 2 });
      await client.gets(
        ({ changes = [] }) =>
          changes.some(({ kind, user, read }) => kind === "receipt" && user === self.name && read === 2),
        "the receipt of the user's own mark",
      );
      ensureSame((await conversationOf(self, peer)).unread, { expected: 1, what: "unread after it" });
      await client.agree();
    },
  },
];
