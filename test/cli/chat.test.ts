import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../support/fake-socket.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const cli = join(import.meta.dir, "../../src/cli.ts");
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(): Promise<RunningServer> {
  const server = await startServer();
  ends.push(() => server.dispose());
  return server;
}

function chat(server: RunningServer, ...args: readonly string[]) {
  const child = Bun.spawn([process.execPath, cli, "chat", "--url", `http://127.0.0.1:${server.port}`, ...args], {
    cwd: server.dir,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  ends.push(() => child.kill());
  let printed = "";
  const output = (async () => {
    for await (const bytes of child.stdout) printed += Buffer.from(bytes).toString();
    return printed;
  })();
  const errors = new Response(child.stderr).text();
  return {
    child,
    say: (line: string): void => {
      void child.stdin.write(`${line}\n`);
      void child.stdin.flush();
    },
    prints: (text: string) => until(() => printed.includes(text), text),
    async end(): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
      void child.stdin.end();
      return { code: await child.exited, output: await output, errors: await errors };
    },
  };
}

type Line = {
  readonly message?: { readonly from: string; readonly text: string };
  readonly item?: { readonly state: string };
  readonly dump?: Readonly<Record<"messages" | "outbox", readonly { readonly text: string }[]>>;
  readonly error?: { readonly code: string };
  readonly typing?: { readonly user: string; readonly typing: boolean };
  readonly presence?: { readonly user: string; readonly state: string };
};

const linesOf = (output: string): readonly Line[] =>
  output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** Runs until it has printed the messages of others, as a script would. */
async function readMessages(
  server: RunningServer,
  count: number,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const child = Bun.spawn(
    [process.execPath, cli, "chat", "--url", `http://127.0.0.1:${server.port}`, "--json", ...args],
    {
      cwd: server.dir,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    },
  );
  ends.push(() => child.kill());
  let output = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    output += decoder.decode(bytes, { stream: true });
    const whole = output.slice(0, output.lastIndexOf("\n"));
    const messages =
      whole === "" ? [] : linesOf(whole).flatMap(({ message }) => (message === undefined ? [] : [message]));
    if (messages.length < count) continue;
    void child.stdin.end();
    await child.exited;
    return messages.map(({ from, text }) => `${from}: ${text}`);
  }
  throw new Error(`It ended with ${output}`);
}

test("J19 each line is sent to whom it names, and others get it later, once for each of their databases", async () => {
  const server = await start();
  const alice = chat(server, "--user", "alice");
  for (const line of ["bob one", "bob two with words", "nonsense"]) alice.say(line);
  const { code, errors } = await alice.end();
  expect(errors).toContain("! A line says whom it is for");
  expect(code).toBe(0);
  const database = ["--user", "bob", "--database", "file:bob.db"];
  expect(await readMessages(server, 2, ...database)).toEqual(["alice: one", "alice: two with words"]);
  const again = chat(server, "--user", "alice", "--to", "bob");
  again.say("three");
  expect((await again.end()).code).toBe(0);
  expect(await readMessages(server, 1, ...database)).toEqual(["alice: three"]);
});

test("J19 as JSON lines it says what becomes of each, and what is wrong with a line", async () => {
  const server = await start();
  const alice = chat(server, "--user", "alice", "--json");
  // U+2028 ends a line elsewhere, and is a character of a text here.
  const sends = ['{"do":"send","to":"bob","text":"hi\u2028there"}', "{", '{"do":"send","to":"bob","text":""}'];
  for (const line of [...sends, '{"do":"dump"}']) alice.say(line);
  const { code, output } = await alice.end();
  const lines = linesOf(output);
  expect(lines.flatMap(({ error }) => (error === undefined ? [] : [error.code]))).toEqual(["bad_line", "empty_text"]);
  expect(lines.findLast(({ item }) => item !== undefined)?.item?.state).toBe("accepted");
  const dumps = lines.flatMap(({ dump }) => (dump === undefined ? [] : [[...dump.messages, ...dump.outbox]]));
  expect(dumps.map((rows) => rows.map(({ text }) => text))).toEqual([["hi\u2028there"]]);
  expect(code).toBe(0);
});

test("J19 as JSON lines it reports reading and typing, and prints who types and who is there", async () => {
  const server = await start();
  const bob = chat(server, "--user", "bob", "--json");
  for (const line of [
    { do: "send", to: "alice", text: "hi" },
    { do: "watch", user: "alice" },
    { do: "watch", user: "alice" },
  ])
    bob.say(JSON.stringify(line));
  const markOf = async (): Promise<number | undefined> => {
    const response = await fetch(`http://127.0.0.1:${server.port}/conversations?user=bob`);
    const { conversations } = (await response.json()) as { conversations: { peer: { read: number } }[] };
    return conversations[0]?.peer.read;
  };
  await until(async () => (await markOf()) === 0, "the message");
  const alice = chat(server, "--user", "alice", "--json");
  alice.say(JSON.stringify({ do: "read", to: "bob", seq: 1 }));
  await until(async () => (await markOf()) === 1, "the read mark");
  alice.say(JSON.stringify({ do: "typing", to: "bob" }));
  await bob.prints('"typing":true');
  await alice.end();
  const lines = linesOf((await bob.end()).output);
  expect(lines.flatMap(({ typing }) => (typing === undefined ? [] : [typing]))[0]).toEqual({
    user: "alice",
    typing: true,
  });
  expect(lines.flatMap(({ presence }) => (presence === undefined ? [] : [presence.state]))).toContain("online");
  expect(lines.findLast(({ item }) => item !== undefined)?.item?.state).toBe("read");
});

test("J19 J110 a line for oneself is a note", async () => {
  const server = await start();
  const alice = chat(server, "--user", "alice", "--to", "alice", "--json");
  alice.say('{"do":"send","to":"alice","text":"note"}');
  const { code, output } = await alice.end();
  const items = linesOf(output).flatMap(({ item }) => (item === undefined ? [] : [item.state]));
  expect([code, items.at(-1)]).toEqual([0, "accepted"]);
});

test("J19 what is refused for good ends it with 1", async () => {
  const server = await start();
  const alice = chat(server, "--user", "alice");
  alice.say("ali/ce to nobody");
  const { code, errors } = await alice.end();
  expect(errors).toContain("! not sent: invalid_recipient");
  expect(code).toBe(1);
});
