import { ensure } from "../check.ts";
import { toClient } from "./link.ts";
import type { ClientCase } from "./world.ts";

/** What several devices of a user get, and several conversations on one. */
export const deviceCases: readonly ClientCase[] = [
  {
    ...{ id: "C-23", section: "1" },
    title: "another installation of the user is another device, and what it sends reaches this one",
    shows: "Otherwise two devices take messages from each other, or differ.",
    async run({ client, install, write }) {
      client.start();
      await client.status("online");
      await write("for both");
      await client.shows("for both");
      await client.agree();
      const other = await install();
      other.start();
      await other.status("online");
      await other.item(await other.send("from the other device"), "accepted");
      await write("for both again");
      await other.shows("for both again");
      await client.agree();
      await other.agree();
      const [one, two] = [client, other].map(({ proxy }) => proxy.links()[0]?.query.get("device"));
      ensure(one !== two, `both installations are ${one}`);
    },
  },
  {
    ...{ id: "C-24", section: "2" },
    title: "a new device that begins in the middle of a conversation takes it from there",
    shows: "Otherwise it waits for ever for messages that do not come.",
    async run({ self, install, write }) {
      for (let at = 0; at < 5; at++) await write(`before ${at}`);
      const { body } = await self.askFor(200, { path: "/messages", query: { device: "kit-older-device" } });
      const ack = { device: "kit-older-device", cursor: body?.["cursor"] };
      await self.askFor(204, { method: "POST", path: "/ack", body: ack });
      const device = await install();
      device.start();
      await device.status("online");
      await write("from here on");
      await device.shows("from here on");
      await device.send("and an answer");
      await device.agree();
      const first = device.proxy
        .links()
        .flatMap(toClient)
        .flatMap(({ changes = [] }) => changes)
        .find(({ kind }) => kind === "message");
      ensure(Number(first?.seq) > 1, "the device was sent everything: the case shows nothing");
    },
  },
  {
    ...{ id: "C-25", section: "1" },
    title: "each conversation has its own seqs",
    shows: "Otherwise messages of one conversation replace those of another.",
    async run({ client, third, write }) {
      client.start();
      await client.status("online");
      for (const text of ["one", "two"]) {
        await write(`${text} of the peer`);
        await write(`${text} of the third`, { from: third });
        await client.send(`${text} to the third`, third);
      }
      await client.shows("two of the third");
      await client.agree();
    },
  },
];
