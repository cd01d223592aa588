import { ensureSame, until } from "../check.ts";
import { confirmedBy, cursorsOf, pollsOf } from "./polls.ts";
import type { Proxy } from "./proxy.ts";
import type { ClientCase } from "./world.ts";

const section = "5";
const stepMs = 30_000;

/** The texts that the client was given up to the last cursor that it has confirmed. */
function confirmedTexts(proxy: Proxy): readonly string[] {
  const given = cursorsOf(pollsOf(proxy));
  const confirmed = new Set(proxy.requests().map(confirmedBy));
  const last = given.findLastIndex(({ cursor }) => confirmed.has(cursor));
  return given.slice(0, last + 1).flatMap(({ texts }) => texts);
}

export const pollingCases: readonly ClientCase[] = [
  {
    ...{ id: "C-41", section },
    title: "where no WebSocket passes and GET /me is answered, a client follows by GET /changes and sends by HTTP",
    shows: "Otherwise there is no chat behind some networks.",
    async run({ client, write }) {
      client.proxy.faults.blocksSockets = true;
      client.start();
      const id = await client.send("by HTTP");
      await client.status("online");
      await client.item(id, "accepted");
      await write("to a poller");
      await client.shows("to a poller");
      for (const text of ["one", "two", "three"]) await client.send(text);
      await write("and on");
      await client.agree();
      ensureSame(client.proxy.links().length, { expected: 0, what: "WebSockets" });
    },
  },
  {
    ...{ id: "C-42", section },
    title: "a poller confirms what it has stored: a crash in that moment loses nothing of it",
    shows: "Otherwise the server believes a device that has lost its messages.",
    async run({ client, write }) {
      const { proxy } = client;
      proxy.faults.blocksSockets = true;
      client.start();
      await client.status("online");
      for (let round = 0; round < 2; round++) {
        const text = `round ${round}`;
        proxy.faults.onRequest = () => {
          if (confirmedTexts(proxy).includes(text)) void client.kill();
        };
        await write(text);
        await until(() => confirmedTexts(proxy).includes(text), { what: `the ack of ${text}`, ms: stepMs });
        await client.kill();
        proxy.faults.onRequest = () => {};
        const confirmed = confirmedTexts(proxy);
        proxy.faults.isOffline = true;
        client.start();
        const stored = (await client.dump()).messages.map((message) => message.text);
        const lost = confirmed.filter((one) => !stored.includes(one));
        ensureSame(lost, { expected: [], what: "messages that were confirmed and are not stored" });
        const polls = pollsOf(proxy).length;
        proxy.faults.isOffline = false;
        await until(() => pollsOf(proxy).length > polls, { what: "its next answer", ms: stepMs });
      }
      await client.agree();
    },
  },
  {
    ...{ id: "C-43", section },
    title: "a poller goes on where it was, also when its answers are lost on the way",
    shows: "Otherwise an answer that is lost is a hole in the chat.",
    async run({ client, write }) {
      const { proxy } = client;
      proxy.faults.blocksSockets = true;
      client.start();
      await client.status("online");
      await write("before");
      await client.shows("before");
      proxy.faults.losesAnswers = true;
      await write("in an answer that is lost");
      await client.send("answered, and the answer is lost");
      const hasLost = (path: string): boolean =>
        proxy.requests().some(({ url, isLost }) => isLost && url.pathname === path);
      await until(() => hasLost("/messages") && hasLost("/changes"), {
        what: "a send and a poll whose answers are lost",
        ms: stepMs,
      });
      proxy.faults.losesAnswers = false;
      await write("after");
      await client.shows("after");
      await client.agree();
    },
  },
];
