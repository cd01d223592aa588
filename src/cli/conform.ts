import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import * as v from "valibot";
import {
  clientCases,
  countResults,
  formatReport,
  type Identities,
  reportAsJson,
  type Result,
  runCases,
  selectCases,
  serverCases,
  startCommand,
  withClientWorld,
  withServerWorld,
} from "../conform/index.ts";
import { ChatError } from "../error.ts";
import { command, group } from "./command.ts";
import { startKitServer, type StartedServer } from "./kit-server.ts";

const sharedArgs = {
  only: { type: "string", description: "The ids of cases, with commas: the others are left out" },
  parallel: { type: "string", description: "How many cases go on at the same time", default: "6" },
  json: { type: "boolean", description: "The results as JSON" },
} as const;

const client = command({
  description:
    "Tries a client: starts COMMAND, in which {url}, {user}, {token} and {storage} are filled in, behind a network with faults (docs/write-your-own-client.md)",
  args: {
    ...sharedArgs,
    command: { type: "rest", description: "After --: how to start the client, which reads and writes JSON lines" },
  },
  async run({ command: words, only, parallel, json }) {
    if (words.length === 0)
      throw new ChatError("config_invalid", "COMMAND is missing: tidings conform client -- COMMAND…");
    const cases = selected(clientCases, only);
    const atOnce = countOf(parallel);
    const secret = randomBytes(32).toString("base64url");
    const interruption = onInterruption();
    const { signal } = interruption;
    const servers: Promise<StartedServer>[] = [];
    const startServer = (): Promise<StartedServer> => {
      signal.throwIfAborted();
      const started = startKitServer(secret);
      servers.push(started);
      return started;
    };
    try {
      const server = await startServer();
      let second: Promise<StartedServer> | null = null;
      const secondServer = (): Promise<StartedServer> => (second ??= startServer());
      const start = startCommand(words);
      const results = await runCases(cases, {
        ...{ parallel: atOnce, signal },
        withWorld: (_, use) => withClientWorld({ start, server, secondServer, signal }, use),
      });
      if (!signal.aborted) print(results, json);
    } finally {
      await Promise.all(servers.map(async (started) => (await started).stop()));
      interruption.end();
    }
  },
});

const server = command({
  description: "Tries a server: sends it what clients send, and what they must not (docs/write-your-own-client.md)",
  args: {
    ...sharedArgs,
    url: { type: "positional", required: true, description: "Where the chat is mounted" },
    identities: {
      type: "string",
      description:
        "A JSON file that says how users sign in; without it each request names its user, as AUTH=demo takes it",
    },
  },
  async run({ url, identities: file, only, parallel, json }) {
    if (!URL.canParse(url)) throw new ChatError("config_invalid", `URL is no URL, got ${url}`);
    const cases = selected(serverCases, only);
    const identities = file === undefined ? ({ type: "demo" } as const) : readIdentities(file);
    await fetch(url).catch((cause: unknown) => {
      throw new ChatError("config_invalid", `Nothing answers at ${url}`, { cause });
    });
    const results = await runCases(cases, {
      // Users who are the same in each case would see each other's cases.
      parallel: identities.type === "given" ? 1 : countOf(parallel),
      withWorld: (_, use) => withServerWorld({ url, identities }, use),
    });
    print(results, json);
  },
});

export const conformCommand = group("Tries clients and servers of any language against PROTOCOL.md", {
  client,
  server,
});

type Interruption = {
  /** Aborted by a signal of the system. */
  readonly signal: AbortSignal;
  /** Everything is stopped: ends the process, if there was a signal. */
  end(): void;
};

/** The servers and the clients under test outlive this process, and their folders too, unless it stops them. A second signal ends it at once. */
function onInterruption(): Interruption {
  const controller = new AbortController();
  let got: NodeJS.Signals | null = null;
  const stop = (name: NodeJS.Signals): void => {
    got = name;
    forget();
    controller.abort();
  };
  const forget = (): void => names.forEach((name) => process.off(name, stop));
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    end() {
      forget();
      // Cases that were left in the middle have timers.
      if (got !== null) process.exit(128 + constants.signals[got]);
    },
  };
}

function selected<World>(cases: Parameters<typeof selectCases<World>>[0], only: string | undefined) {
  const found = selectCases(cases, only);
  if (found === null) throw new ChatError("config_invalid", `--only names a case that does not exist, got ${only}`);
  return found;
}

function countOf(text: string): number {
  if (!/^[1-9][0-9]?$/.test(text))
    throw new ChatError("config_invalid", `--parallel is a number from 1 to 99, got ${text}`);
  return Number(text);
}

function print(results: readonly Result[], isJson: boolean): void {
  console.log(isJson ? reportAsJson(results) : formatReport(results));
  if (countResults(results).failed > 0) process.exitCode = 1;
}

const texts = v.record(v.string(), v.string());
const credentials = v.strictObject({ user: v.string(), headers: v.optional(texts), parameters: v.optional(texts) });
const identitiesFile = v.union([
  v.strictObject({ secret: v.string() }),
  v.strictObject({ users: v.strictTuple([credentials, credentials, credentials]) }),
]);

/** A file, so that no secret shows in the list of processes. */
function readIdentities(file: string): Identities {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ChatError("config_invalid", `${file} cannot be read as JSON`, { cause });
  }
  const found = v.safeParse(identitiesFile, value);
  if (!found.success)
    throw new ChatError(
      "config_invalid",
      `${file} has neither a "secret" nor three "users" with their "headers" or "parameters"`,
    );
  const { output } = found;
  if ("secret" in output) return { type: "secret", secret: output.secret };
  return { type: "given", credentials: output.users as Extract<Identities, { type: "given" }>["credentials"] };
}
