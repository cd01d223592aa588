import { ensureSame } from "../check.ts";
import { rowsOf } from "./user.ts";
import type { ServerCase } from "./world.ts";

const section = "1";

export const marksCases: readonly ServerCase[] = [
  {
    ...{ id: "S-28", section },
    title: "delivered follows the recipient's ack, and reaches all devices of both users",
    shows: "Otherwise a sender does not see that a message has arrived.",
    async run({ alice, bob, device }) {
      const sender = await alice.connect({ device: device() });
      const other = await alice.connect({ device: device() });
      const [acking, second] = [await bob.connect({ device: device() }), await bob.connect({ device: device() })];
      const { seq, conversation } = await sender.accepted({ to: bob.name }, "delivered?");
      await acking.change("message", (one) => one.seq === seq && one.conversation === conversation);
      acking.ack();
      for (const socket of [sender, other, acking, second]) {
        const found = await socket.change(
          "receipt",
          (one) => one.conversation === conversation && one.user === bob.name && Number(one.delivered) >= Number(seq),
        );
        ensureSame([found.delivered, Number(found.read) < Number(seq)], { expected: [seq, true], what: "the receipt" });
      }
    },
  },
  {
    ...{ id: "S-29", section },
    title: "read is clamped to the last seq, raises delivered, and never goes back",
    shows: "Otherwise messages are shown as read that nobody has seen, or unread again.",
    async run({ alice, bob, device }) {
      const [sender, reader] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const { conversation = "", seq = 0 } = await sender.accepted({ to: bob.name }, "one");
      const last = await sender.accepted({ to: bob.name }, "two");
      reader.send({ type: "read", conversation, seq: seq + 1_000 });
      const receipt = await sender.change("receipt", (one) => one.user === bob.name && Number(one.read) > seq);
      ensureSame([receipt.delivered, receipt.read], { expected: [last.seq, last.seq], what: "delivered, read" });
      await reader.change("receipt", (one) => one.user === bob.name && one.read === last.seq);
      reader.send({ type: "read", conversation, seq });
      await reader.settle();
      const next = await sender.accepted({ to: bob.name }, "three");
      reader.send({ type: "read", conversation, seq: next.seq });
      await sender.change("receipt", (one) => one.user === bob.name && one.read === next.seq);
      const reads = sender.changes("receipt").flatMap((one) => (one.user === bob.name ? [Number(one.read)] : []));
      ensureSame(reads, { expected: reads.toSorted((a, b) => a - b), what: "read, in the order of its receipts" });
    },
  },
  {
    ...{ id: "S-30", section },
    title: "marks move for the messages of others alone",
    shows: "Otherwise users read their own messages in place of the other user.",
    async run({ alice, bob, device }) {
      const [sender, reader] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const { conversation = "", seq = 0 } = await sender.accepted({ to: bob.name }, "mine");
      const answer = await reader.accepted({ to: alice.name }, "theirs");
      await sender.accepted({ to: bob.name }, "mine again");
      sender.send({ type: "read", conversation, seq: seq + 2 });
      const { read } = await sender.change("receipt", (one) => one.user === alice.name && Number(one.read) >= seq);
      ensureSame(read, { expected: answer.seq, what: "the reader's mark" });
    },
  },
  {
    ...{ id: "S-31", section: "5" },
    title: "POST /ack and POST /conversations/{id}/read are answered 204 and move the marks",
    shows: "Otherwise clients without a socket cannot confirm.",
    async run({ alice, bob, device }) {
      const sender = await alice.connect({ device: device() });
      const name = device();
      await bob.askFor(200, { path: "/messages", query: { device: name } });
      const { conversation = "", seq = 0 } = await sender.accepted({ to: bob.name }, "by HTTP");
      const { body } = await bob.askFor(200, { path: "/messages", query: { device: name } });
      const listed = rowsOf<{ readonly text: string }>(body, "messages").map(({ text }) => text);
      ensureSame(listed.includes("by HTTP"), { expected: true, what: "it is in the undelivered list" });
      await bob.askFor(204, { method: "POST", path: "/ack", body: { device: name, cursor: body?.["cursor"] } });
      await sender.change("receipt", (one) => one.user === bob.name && Number(one.delivered) >= seq);
      const again = await bob.askFor(200, { path: "/messages", query: { device: name } });
      ensureSame(again.body?.["messages"], { expected: [], what: "the undelivered list after the ack" });
      await bob.askFor(204, { method: "POST", path: `/conversations/${conversation}/read`, body: { seq } });
      await sender.change("receipt", (one) => one.user === bob.name && Number(one.read) >= seq);
    },
  },
];
