import { type Client, connect, hasText, isPresence, join, type Presence } from "../../support/client.ts";
import type { Node } from "../../support/nodes.ts";
import type { RunningServer } from "../../support/server.ts";

/** Sends from one node to silent users at other nodes. Returns how many of them have not received everything within `msMax`, and the time it took. */
export async function countUnreached(options: {
  readonly from: Node;
  readonly to: readonly Node[];
  readonly messages: number;
  readonly msMax: number;
}): Promise<{ readonly unreached: number; readonly ms: number }> {
  const { from, to, messages, msMax } = options;
  const name = crypto.randomUUID().slice(0, 8);
  const readers = await Promise.all(to.map(({ url }, i) => join(url, { user: `reader${i}-${name}` })));
  const sender = await join(from.url, { user: `sender-${name}` });
  let ms = 0;
  let unreached = 0;
  for (let i = 0; i < messages; i++) {
    for (const { user } of readers) await sender.sendOk({ to: user }, `m${i}`);
    const start = performance.now();
    const reached = await Promise.all(
      readers.map((reader) =>
        reader.next(hasText(`m${i}`), msMax).then(
          () => true,
          () => false,
        ),
      ),
    );
    unreached += reached.filter((isReached) => !isReached).length;
    ms = Math.max(ms, performance.now() - start);
    if (unreached > 0) break;
  }
  return { unreached, ms: Math.round(ms) };
}

/** T5: ends the session of a user with a socket on each node; for each, how long that took and how it was closed. */
export async function endSession(options: {
  readonly worker: RunningServer;
  readonly nodes: readonly Node[];
  readonly msMax: number;
}): Promise<readonly { readonly code: number; readonly ms: number }[]> {
  const { worker, nodes, msMax } = options;
  const user = `leaver-${crypto.randomUUID().slice(0, 8)}`;
  const sockets = await Promise.all(nodes.map(({ url }, i) => join(url, { user, device: `d${i}` })));
  const answer = await fetch(`http://127.0.0.1:${worker.port}/?user=${user}`, { method: "POST" });
  if (answer.status !== 204) throw new Error(`The worker answered ${answer.status}`);
  const start = performance.now();
  const end = Bun.sleep(msMax).then(() => ({ code: 0 }));
  return await Promise.all(
    sockets.map(async ({ closed }) => {
      const { code } = await Promise.race([closed, end]);
      return { code, ms: Math.round(performance.now() - start) };
    }),
  );
}

/** A user at `from` types to a user at `to`, who watches them. Both stay connected. */
export async function meet(from: Node, to: Node): Promise<{ readonly typist: Client; readonly watcher: Client }> {
  const name = crypto.randomUUID().slice(0, 8);
  const watcher = await join(to.url, { user: `watcher-${name}` });
  const early = await connect(from.url, { user: `typist-${name}` });
  const { conversation } = await early.sendOk({ to: watcher.user }, "hello");
  await watcher.next(hasText("hello"));
  watcher.watch([early.user]);
  await nextPresence(watcher, early.user, "online");
  early.typing({ conversation });
  return { typist: early, watcher };
}

export const nextPresence = (
  watcher: Client,
  user: string,
  state: Presence["state"],
  msMax = 5_000,
): Promise<Presence> =>
  watcher.next((frame): frame is Presence => isPresence(frame) && frame.user === user && frame.state === state, msMax);
