import type { Readable } from "node:stream";
import { createClient as openDatabase } from "@libsql/client";
import * as v from "valibot";
import { ChatError } from "../error.ts";
import type { Client, MessageState, Presence, Status } from "../client/api.ts";
import { ClientError } from "../client/api.ts";
import { deferred } from "../internal/deferred.ts";
import { createClient } from "../client/client.ts";
import { libsql } from "../client/vault/libsql.ts";
import { memory } from "../client/vault/memory.ts";
import { type Dump, readDump } from "./chat-dump.ts";
import { command } from "./command.ts";

/** The tenant of a server that names none. */
const tenantDefault = "default";

/** What the command prints: an object with one field, which names its kind. */
export type Line =
  | { readonly status: Status }
  | { readonly message: object }
  | { readonly item: { readonly id: string; readonly state: MessageState; readonly code?: string } }
  | { readonly dump: Dump }
  | { readonly typing: { readonly user: string; readonly typing: boolean } }
  | { readonly presence: { readonly user: string } & Presence }
  | { readonly error: { readonly code: string; readonly message: string } };

export const chatCommand = command({
  description: "Chats in the terminal, or as JSON lines for scripts, on the same client as apps (docs/client.md)",
  args: {
    url: { type: "string", description: "Where the chat is mounted", default: "http://127.0.0.1:6662" },
    user: { type: "string", description: "Your user id; required" },
    to: { type: "string", description: "Whom each line is for; without it a line begins with a user id" },
    token: {
      type: "string",
      description: "Your bearer token; without it the request says who you are, as AUTH=demo takes it",
    },
    database: { type: "string", description: "Keeps outbox and cache here (file:me.db); without it in memory" },
    json: {
      type: "boolean",
      description:
        'JSON lines: {"do":"send","to":"bob","text":"hi"}, read, typing, watch or dump in; status, message, item, typing, presence, dump, error out',
    },
  },
  async run({ url, user, to, token, database, json }) {
    if (user === undefined)
      throw new ChatError("config_invalid", "--user is missing. Run with --help to see the arguments");
    if (typeof WebSocket === "undefined")
      throw new ChatError(
        "config_invalid",
        "This command needs a runtime with WebSocket: Bun, Deno, or Node 22 or later",
      );
    const opened = database === undefined ? null : openDatabase({ url: database });
    const storage = opened === null ? memory() : libsql(opened);
    const client = createClient({
      ...{ url, user, storage },
      authenticate: async () => (token === undefined ? { parameters: { user } } : { token }),
    });
    const conversation: Talk = {
      ...{ to, json, print: json ? printJson : printText, input: process.stdin },
      dump: () => readDump(storage, { url, tenant: tenantDefault, user }),
    };
    process.exitCode = (await talk(client, conversation)) ? 0 : 1;
    await client.close();
    opened?.close();
  },
});

export type Talk = {
  /** Whom each line is for, unless it says so. */
  readonly to: string | undefined;
  readonly json: boolean;
  readonly input: Readable;
  readonly print: (line: Line) => void;
  readonly dump: () => Promise<Dump>;
};

/** A message in one of these waits for the server. */
const waitingStates: ReadonlySet<MessageState> = new Set(["keeping", "queued", "sending"]);

/** Ends when the input has ended and everything was sent, or when the server wants no connection. False: something is not sent. */
export async function talk(client: Client, { to, json, input: source, print, dump }: Talk): Promise<boolean> {
  const states = new Map<string, MessageState>();
  const shown = new Set<string>();
  const watched = new Set<string>();
  /** Up to which seq the user has read, until its message is in the thread. */
  const read = new Map<string, number>();
  let last = "";
  /** Messages of this run without an answer: the last word on each is printed before the program ends. */
  const unanswered = new Set<string>();
  const ended = deferred<boolean>();
  let isEnding = false;
  const settle = (): void => {
    const { queued, failed } = client.outbox.get();
    if (isEnding && queued === 0 && unanswered.size === 0) ended.resolve(failed === 0);
  };

  function report(id: string, state: MessageState, code?: string): void {
    if (states.get(id) === state) return;
    states.set(id, state);
    print({ item: { id, state, ...(code !== undefined && { code }) } });
  }

  /** The thread with `user`, whose own rows are printed as they change. */
  function threadWith(user: string) {
    const thread = client.thread({ with: user });
    if (shown.has(user)) return thread;
    shown.add(user);
    thread.state.subscribe(() => {
      mark(user);
      for (const { id, state, failed } of thread.state.get().rows) if (states.has(id)) report(id, state, failed?.code);
    });
    return thread;
  }

  function mark(user: string): void {
    const seq = read.get(user);
    const thread = threadWith(user);
    if (seq === undefined || !thread.state.get().rows.some((row) => row.seq === seq)) return;
    read.delete(user);
    thread.markRead(seq);
  }

  /** Prints who types and who is there, from now on. */
  function watch(user: string): void {
    if (watched.has(user)) return;
    watched.add(user);
    const { typists } = threadWith(user);
    typists.subscribe(() => print({ typing: { user, typing: typists.get().includes(user) } }));
    const presence = client.presence(user);
    presence.subscribe(() => print({ presence: { user, ...presence.get() } }));
  }

  const reportFault = (fault: unknown): void =>
    print({ error: { code: "storage_failed", message: fault instanceof Error ? fault.message : String(fault) } });

  function send(user: string, text: string): void {
    try {
      const { id, accepted } = threadWith(user).send(text);
      states.set(id, "keeping");
      unanswered.add(id);
      const answered = (state: MessageState, code?: string): void => {
        unanswered.delete(id);
        // The thread may have shown it, and more, already.
        if (waitingStates.has(states.get(id) ?? state)) report(id, state, code);
        settle();
      };
      accepted.then(
        () => answered("accepted"),
        (fault: unknown) => answered("failed", fault instanceof ClientError ? fault.code : "internal"),
      );
    } catch (fault) {
      if (!(fault instanceof ClientError)) throw fault;
      print({ error: { code: fault.code, message: fault.message } });
    }
  }

  void client.work((message) => print({ message }));
  client.outbox.subscribe(settle);
  client.status.subscribe(() => {
    const status = client.status.get();
    if (JSON.stringify(status) === last) return;
    last = JSON.stringify(status);
    print({ status });
    if (status.state === "unauthenticated" || status.state === "ended") ended.resolve(false);
  });
  readLines(source, (line) => {
    const asked = json ? readJson(line) : readText(line, to);
    if (asked === null) print({ error: { code: "bad_line", message: "A line says whom it is for, and a text" } });
    else if (asked.do === "dump") void dump().then((value) => print({ dump: value }), reportFault);
    else if (asked.do === "watch") watch(asked.user);
    else if (asked.do === "typing") threadWith(asked.to).typing(true);
    else if (asked.do === "read") {
      read.set(asked.to, asked.seq);
      mark(asked.to);
    } else send(asked.to, asked.text);
  });
  source.on("end", () => {
    isEnding = true;
    settle();
  });
  return await ended.promise;
}

/** Calls `take` with each line. node:readline would also end lines at U+2028, which a JSON text may hold unescaped. */
function readLines(source: Readable, take: (line: string) => void): void {
  let rest = "";
  source.setEncoding("utf8");
  source.on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    lines.forEach(take);
  });
  source.on("end", () => {
    if (rest !== "") take(rest);
  });
}

const asks = v.variant("do", [
  v.object({ do: v.literal("dump") }),
  v.object({ do: v.literal("watch"), user: v.string() }),
  v.object({ do: v.literal("typing"), to: v.string() }),
  v.object({ do: v.literal("read"), to: v.string(), seq: v.number() }),
  v.object({ do: v.literal("send"), to: v.string(), text: v.string() }),
]);
type Asked = v.InferOutput<typeof asks>;

function readJson(line: string): Asked | null {
  try {
    const { success, output } = v.safeParse(asks, JSON.parse(line));
    return success ? output : null;
  } catch {
    return null;
  }
}

function readText(line: string, to: string | undefined): Asked | null {
  if (to !== undefined) return { do: "send", to, text: line };
  const [, user, text] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
  return user === undefined || text === undefined ? null : { do: "send", to: user, text };
}

const printJson = (line: Line): void => console.log(JSON.stringify(line));

function printText(line: Line): void {
  if ("message" in line) {
    const { from, text } = line.message as { readonly from: string; readonly text: string };
    console.log(`${from}: ${withoutControls(text)}`);
  } else if ("error" in line) console.error(`! ${line.error.message}`);
  else if ("status" in line)
    console.error(`* ${line.status.state}${"reason" in line.status ? `: ${line.status.reason}` : ""}`);
  else if ("dump" in line) console.log(JSON.stringify(line.dump));
  else if ("typing" in line || "presence" in line) return;
  else if (line.item.state === "failed") console.error(`! not sent: ${line.item.code ?? ""}`);
  else if (line.item.state === "read" || line.item.state === "delivered") console.error(`* ${line.item.state}`);
}

/** A message must not move the cursor, or colour the terminal, of its reader. */
// oxlint-disable-next-line no-control-regex
const withoutControls = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "�");
