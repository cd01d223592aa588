import { ensure, ensureSame, sleep, until } from "../check.ts";
import type { User } from "../server/user.ts";
import type { Installation } from "./installation.ts";
import { fromClient } from "./link.ts";
import type { ClientCase, ClientWorld } from "./world.ts";

const section = "4";
/** For how long typing shows after the last frame, and how far it may be off. */
const shownMs = 5_000;
const slackMs = 500;
const keystrokes = 25;
const keystrokeMs = 200;
const typedEveryMs = 2_500;

/** The number of the first line, from this one on, that says so of the peer's typing. */
const typingLineAt = ({ client, peer }: ClientWorld, typing: boolean, from: number): number =>
  client
    .program()
    .lines()
    .findIndex((line, at) => at >= from && "typing" in line && isSame(line.typing, { user: peer.name, typing }));

/** Resolves when there is such a line, with the number of the line after it. */
async function typingLine(world: ClientWorld, typing: boolean, from: number): Promise<number> {
  await world.client.line(() => typingLineAt(world, typing, from) >= 0, `a typing line: ${typing}`, from);
  return typingLineAt(world, typing, from) + 1;
}

const isSame = (found: unknown, expected: object): boolean =>
  typeof found === "object" &&
  found !== null &&
  Object.entries(expected).every(([name, value]) => (found as Record<string, unknown>)[name] === value);

const presenceLine = (client: Installation, { user, state }: { user: User; state: string }, from = 0): Promise<void> =>
  client.line(
    (line) => "presence" in line && isSame(line.presence, { user: user.name, state }),
    `a presence line: ${state}`,
    from,
  );

export const presenceCases: readonly ClientCase[] = [
  {
    ...{ id: "C-46", section },
    title: "typing shows until it ends, until the message comes, or for five seconds",
    shows: "Otherwise somebody who has left types for ever.",
    async run(world) {
      const { client, self, peer, write } = world;
      client.start();
      await client.status("online");
      await write("hello");
      await client.shows("hello");
      client.tell({ do: "watch", user: peer.name });
      await client.frame(({ type }) => type === "watch", "a watch frame");
      const { body } = await self.askFor(200, { path: "/conversations" });
      const [{ id }] = (body as { readonly conversations: readonly [{ readonly id: string }] }).conversations;
      const inject = (typing: boolean): void =>
        client.proxy.links().at(-1)?.inject({ type: "typing", conversation: id, user: peer.name, typing });
      inject(true);
      let from = await typingLine(world, true, 0);
      inject(false);
      from = await typingLine(world, false, from);
      inject(true);
      from = await typingLine(world, true, from);
      await write("what was typed");
      from = await typingLine(world, false, from);
      const start = Date.now();
      inject(true);
      from = await typingLine(world, true, from);
      await until(() => typingLineAt(world, false, from) >= 0, {
        what: "the end of typing by itself",
        ms: 2 * shownMs,
      });
      const shown = Date.now() - start;
      ensure(shown >= shownMs - slackMs, `typing was shown for ${shown} ms`);
      await client.agree();
    },
  },
  {
    ...{ id: "C-47", section },
    title: "typing is sent about every three seconds, however fast the user types, and its end when they stop",
    shows: "Otherwise the user's own rate is spent on keystrokes.",
    async run({ client, peer, write }) {
      client.start();
      await client.status("online");
      await write("hello");
      await client.shows("hello");
      for (let at = 0; at < keystrokes; at++) {
        client.tell({ do: "typing", to: peer.name });
        await sleep(keystrokeMs);
      }
      await client.frame(({ type, typing }) => type === "typing" && typing === false, "the end of typing");
      const times = client.proxy
        .links()
        .flatMap(({ events }) => events)
        .flatMap(({ from, at, frame }) => (from === "client" && frame.type === "typing" && frame.typing ? [at] : []));
      const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
      ensure(times.length >= 2, `typing was sent ${times.length} times in ${keystrokes * keystrokeMs} ms`);
      ensure(
        gaps.every((gap) => gap >= typedEveryMs),
        `typing was sent after ${gaps.join(", ")} ms`,
      );
      await client.agree();
    },
  },
  {
    ...{ id: "C-48", section },
    title: "presence of those who are looked at is asked for on each connection, and shown as it comes",
    shows: "Otherwise somebody who has left stays online on the screen.",
    async run({ client, peer, write }) {
      client.start();
      await client.status("online");
      await write("hello");
      await client.shows("hello");
      client.tell({ do: "watch", user: peer.name });
      await presenceLine(client, { user: peer, state: "offline" });
      client.proxy.links().at(-1)?.inject({ type: "presence", user: peer.name, state: "online" });
      await presenceLine(client, { user: peer, state: "online" });
      const [lines, links] = [client.program().lines().length, client.proxy.links().length];
      client.proxy.cutAll();
      const link = await client.link(links);
      await presenceLine(client, { user: peer, state: "offline" }, lines);
      const watched = fromClient(link).findLast(({ type }) => type === "watch")?.users;
      ensureSame(watched, { expected: [peer.name], what: "who is watched on the next connection" });
      await client.agree();
    },
  },
];
