import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, Failure } from "../case.ts";
import { createUser, rowsOf, type User } from "../server/user.ts";
import { signToken } from "../wire/token.ts";
import type { HistoryMessage } from "./difference.ts";
import { createInstallation, type Installation } from "./installation.ts";
import type { StartProgram } from "./program.ts";
import { startProxy } from "./proxy.ts";

/** A server for clients under test: it takes tokens that are signed with `secret`, the same for all of them. */
export type KitServer = { readonly url: string; readonly secret: string };

/** What a case of a client works with. */
export type ClientWorld = {
  /** The user of the client under test. */
  readonly self: User;
  /** Who it talks to, somebody else, and somebody whom it does not know. */
  readonly peer: User;
  readonly third: User;
  readonly stranger: User;
  /** The client, on its first device. It is not started yet. */
  readonly client: Installation;
  /** The client on another device. */
  readonly install: () => Promise<Installation>;
  /** The peer, or `from`, writes to the user under test. */
  readonly write: (text: string, options?: { readonly from?: User; readonly id?: string }) => Promise<void>;
  /** What proves a user to the server, as a header. */
  readonly authorizationOf: (user: User) => string;
  /** The peer on a second server, with a history of its own. */
  readonly restored: () => Promise<{ readonly url: string; readonly peer: User }>;
};

export type ClientCase = Case<ClientWorld>;

export type ClientWorldOptions = {
  readonly start: StartProgram;
  readonly server: KitServer;
  /** Starts it when a case first asks. */
  readonly secondServer: () => Promise<KitServer>;
  /** How long a client may take for what takes a good one a moment, reconnecting included. */
  readonly settleMs?: number;
  /** Once it is aborted the case ends at once, with its clients. */
  readonly signal?: AbortSignal;
};

const settleMsDefault = 30_000;

const tokenSeconds = 3_600;

/** Runs `use` in a world of its own. @throws Failure: something went over the wire that never may. */
export async function withClientWorld(
  { start, server, secondServer, settleMs = settleMsDefault, signal }: ClientWorldOptions,
  use: (world: ClientWorld) => Promise<void>,
): Promise<void> {
  const mark = randomBytes(5).toString("hex");
  const folder = mkdtempSync(join(tmpdir(), "tidings-conform-"));
  const installations: Installation[] = [];
  const nameOf = (name: string): string => `kit-${name}-${mark}`;

  const userOf = (name: string, { url, secret }: KitServer): User => {
    const token = signToken(secret, { user: nameOf(name), seconds: tokenSeconds });
    const credentials = { user: nameOf(name), headers: { authorization: `Bearer ${token}` } };
    return createUser({ url, credentials, onConnection: () => {} });
  };
  const [self, peer] = [userOf("self", server), userOf("peer", server)];
  const [third, stranger] = [userOf("third", server), userOf("stranger", server)];

  async function install(): Promise<Installation> {
    const proxy = await startProxy(server.url);
    const token = signToken(server.secret, { user: self.name, seconds: tokenSeconds });
    const address = { url: proxy.url, user: self.name, token, storage: mkdtempSync(join(folder, "device-")) };
    const installation = createInstallation({
      ...{ peer, token, proxy, settleMs, isLater: installations.length > 0 },
      run() {
        // A case that was left in the middle may go on.
        signal?.throwIfAborted();
        return start(address);
      },
      history: (upstream) => readHistory(userOf("self", { url: upstream, secret: server.secret })),
    });
    installations.push(installation);
    return installation;
  }

  try {
    const client = await install();
    const run = use({
      ...{ self, peer, third, stranger, client, install },
      authorizationOf: ({ name }) => `Bearer ${signToken(server.secret, { user: name, seconds: tokenSeconds })}`,
      async write(text, { from = peer, id = randomUUID() } = {}) {
        await from.askFor(201, { method: "POST", path: "/messages", body: { id, to: self.name, text } });
      },
      async restored() {
        const second = await secondServer();
        return { url: second.url, peer: userOf("peer", second) };
      },
    });
    await unlessAborted(run, signal);
    for (const installation of installations) installation.checkTraffic();
  } finally {
    await Promise.all(installations.map((installation) => installation.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves as `run` does. @throws Failure: it was aborted first. */
async function unlessAborted(run: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await run;
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => (stop = () => reject(new Failure("the kit was interrupted"))));
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  await Promise.race([run, stopped]).finally(() => signal.removeEventListener("abort", stop));
}

/** All messages of a user, conversation by conversation. */
async function readHistory(user: User): Promise<readonly HistoryMessage[]> {
  const { body } = await user.askFor(200, { path: "/conversations" });
  const messages: HistoryMessage[] = [];
  for (const { id } of rowsOf<{ readonly id: string }>(body, "conversations")) {
    let query: Readonly<Record<string, string | number>> = { conversation: id, after: 0, limit: 200 };
    for (;;) {
      const page = await user.askFor(200, { path: "/messages", query });
      messages.push(...rowsOf<HistoryMessage>(page.body, "messages"));
      const next = page.body?.["next"];
      if (typeof next !== "string") break;
      query = { next };
    }
  }
  return messages;
}
