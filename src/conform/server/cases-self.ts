import { randomUUID } from "node:crypto";
import { ensureSame } from "../check.ts";
import { rowsOf } from "./user.ts";
import type { ServerCase } from "./world.ts";

export const selfCases: readonly ServerCase[] = [
  {
    ...{ id: "S-56", section: "4" },
    title: "a message to oneself is accepted, comes once to the user's other devices, and is never unread",
    shows: "Otherwise notes to oneself are refused, or a badge counts them.",
    async run({ alice, device }) {
      const [one, two] = [await alice.connect({ device: device() }), await alice.connect({ device: device() })];
      const id = randomUUID();
      const { conversation = "", seq, time } = await one.accepted({ to: alice.name }, "a note", id);
      const again = await one.accepted({ conversation }, "a note", id);
      ensureSame([again.seq, again.duplicate], { expected: [seq, true], what: "the answer to a retry" });
      ensureSame(await two.change("message", (change) => change.id === id), {
        expected: { kind: "message", conversation, seq, id, from: alice.name, to: alice.name, text: "a note", time },
        what: "the change on the other device",
      });
      two.ack();
      two.send({ type: "read", conversation, seq });
      await alice.askFor(204, { method: "POST", path: `/conversations/${conversation}/read`, body: { seq } });
      for (const socket of [one, two]) await socket.settle();
      const copies = two.changes("message").filter((change) => change.id === id).length;
      const marks = [one, two].flatMap((socket) => socket.changes("receipt"));
      ensureSame([copies, marks.filter((change) => change.conversation === conversation).length], {
        ...{ expected: [1, 0], what: "copies on the other device, and receipts" },
      });
      const { body } = await alice.askFor(200, { path: "/conversations", query: { with: alice.name } });
      const [listed] = rowsOf<Record<string, unknown>>(body, "conversations");
      ensureSame([listed?.["id"], listed?.["with"], listed?.["unread"]], {
        ...{ expected: [conversation, alice.name, 0], what: "the conversation in the list" },
      });
    },
  },
];
