import { ensure, ensureSame, sleep, until } from "../check.ts";
import type { Closed } from "../wire/web-socket.ts";
import type { Installation } from "./installation.ts";
import type { Link } from "./link.ts";
import type { ClientCase } from "./world.ts";

const section = "6";
const stepMs = 30_000;

/** After these a client comes back. 4321 is not in the table: its range decides. */
const passing = [1000, 1001, 1011, 1012, 1013, 4408, 4413, 4429, 4321] as const;
/** After these it does not. 4777 is not in the table either. */
const final = [4501, 4777] as const;
/** A client that were to come back would do so in this time: its first try comes after about half a second. */
const quietMs = 2_500;
const namedMs = 2_000;
const slackMs = 50;

/** Closes the client's connection, and resolves with the link that it opens next. */
async function closeWith(device: Installation, { code, reason }: Closed): Promise<Link> {
  const count = device.proxy.links().length;
  device.proxy.links().at(-1)?.close(code, reason);
  return await device.link(count);
}

export const connectionCases: readonly ClientCase[] = [
  {
    ...{ id: "C-26", section },
    title: "a client comes back after every close code below 4500, also one that it does not know",
    shows: "Otherwise a restart of the server ends all chats.",
    async run({ client, install, write }) {
      // On several devices beside each other: the delay grows with each close that soon follows another one.
      const devices = [client, await install(), await install()];
      await Promise.all(
        devices.map(async (device, at) => {
          device.start();
          await device.status("online");
          for (const code of passing.filter((_, index) => index % devices.length === at)) {
            await closeWith(device, { code, reason: "by the conformance kit" });
            await write(`after ${code}`);
            await device.shows(`after ${code}`);
          }
        }),
      );
      for (const device of devices) await device.agree();
    },
  },
  {
    ...{ id: "C-27", section },
    title: "a client does not come back after 4500 to 4999, and says that it has ended",
    shows: "Otherwise a banned user's device knocks for ever.",
    async run({ client, install }) {
      const devices = [client, await install()];
      await Promise.all(
        final.map(async (code, at) => {
          const device = devices[at] ?? client;
          device.start();
          await device.status("online");
          const count = device.proxy.attempts().length;
          device.proxy.links().at(-1)?.close(code, "for good");
          await device.status("ended");
          await sleep(quietMs);
          ensureSame(device.proxy.attempts().length - count, { expected: 0, what: `tries after ${code}` });
        }),
      );
    },
  },
  {
    ...{ id: "C-28", section },
    title: "a client comes back after the delay that the reason names, and up to half as much again",
    shows: "Otherwise a server that is too busy is never left alone.",
    async run({ client }) {
      client.start();
      await client.status("online");
      for (const code of [1013, 4429]) {
        const start = Date.now();
        const link = await closeWith(client, { code, reason: `too busy, retryAfterMs=${namedMs}` });
        const waited = link.at - start;
        ensure(waited >= namedMs - slackMs, `after ${code} it came back after ${waited} ms in place of ${namedMs}`);
        ensure(waited <= namedMs * 1.5 + 2_000, `after ${code} it came back only after ${waited} ms`);
      }
      await client.agree();
    },
  },
  {
    ...{ id: "C-29", section },
    title: "after 4401 a client signs in again, and comes back",
    shows: "Otherwise every expired session ends a chat.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      await closeWith(client, { code: 4401, reason: "the session has expired" });
      await write("signed in again");
      await client.shows("signed in again");
      await client.agree();
    },
  },
  {
    ...{ id: "C-30", section: "2" },
    title: "a refused upgrade (401, 429, 503) is tried again with a growing delay",
    shows: "Otherwise a client gives up, or floods a server that is starting.",
    async run({ client, write }) {
      const refusals = [
        { status: 401, code: "unauthenticated" },
        { status: 503, code: "unavailable", retryAfterSeconds: 1 },
        { status: 429, code: "rate_limited", retryAfterSeconds: 1 },
      ] as const;
      // Also of requests that ask for the reason of the last refusal.
      client.proxy.faults.refusal = () => refusals[client.proxy.attempts().length - 1] ?? null;
      client.start();
      await client.send("in spite of all");
      await write("it goes on");
      await client.agree();
      // Fresh credentials may be tried at once.
      const times = client.proxy
        .attempts()
        .slice(1)
        .map(({ at }) => at);
      const gaps = times.slice(1, 3).map((at, index) => at - (times[index] ?? 0));
      ensure(
        gaps.every((gap) => gap >= 100),
        `it came back after ${gaps.join(", ")} ms`,
      );
    },
  },
  {
    ...{ id: "C-31", section },
    title: "a client without a network tries again less and less often, and goes on when it is back",
    shows: "Otherwise a tunnel empties the battery, or ends the chat.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      const count = client.proxy.attempts().length;
      client.proxy.faults.isOffline = true;
      client.proxy.cutAll();
      await client.send("from the tunnel");
      await sleep(quietMs);
      const tries = client.proxy.attempts().length - count;
      ensure(tries <= 10, `it tried ${tries} times in ${quietMs} ms`);
      client.proxy.heal();
      await write("light");
      await client.agree();
    },
  },
  {
    ...{ id: "C-32", section },
    title: "a client answers pings of WebSocket, and reads frames in any pieces",
    shows: "Otherwise it is closed with 4408, or breaks behind some networks.",
    async run({ client, write }) {
      client.start();
      await client.status("online");
      client.proxy.links().at(-1)?.ping();
      client.proxy.faults.fromServer = (frame, link) => {
        if (frame.type !== "changes") return [frame];
        link.injectInPieces(JSON.stringify(frame));
        return [];
      };
      await write("in pieces 👋🏽");
      await client.shows("in pieces 👋🏽");
      const pongs = (): number => client.proxy.links().at(-1)?.pongs() ?? 0;
      // It may be on its way still.
      await until(() => pongs() > 0, { what: "the pong", ms: stepMs });
      ensureSame(pongs(), { expected: 1, what: "pongs" });
      await client.agree();
    },
  },
  {
    ...{ id: "C-33", section: "3" },
    title: "a network that delays everything changes nothing",
    shows: "Otherwise a slow connection doubles messages.",
    async run({ client, write }) {
      client.proxy.faults.delayMs = 300;
      client.start();
      await client.status("online");
      await write("slowly");
      await client.send("and back");
      await client.shows("slowly");
      await client.agree();
    },
  },
];
