import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nats } from "../../src/bus/nats/nats.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { freePort } from "../support/port.ts";
import { describeWith, programPath } from "../support/prerequisite.ts";
import { startRude } from "./rude-server.ts";
import { deadline } from "../support/deadline.ts";
import { until } from "../support/fake-socket.ts";

const place = mkdtempSync(join(tmpdir(), "tidings-nats-process-"));
const program = join(place, "bundle.mjs");
const deno = join(import.meta.dir, "../../node_modules/.bin/deno");
/** Notices a silent server sooner. */
const quick = JSON.stringify({ pingMs: 200, dialMs: 300, retryMs: 20, retryMsMax: 40 });

beforeAll(async () => {
  const entrypoints = [join(import.meta.dir, "nats-process.ts")];
  const { success } = await Bun.build({ entrypoints, outdir: place, naming: "bundle.mjs", target: "node" });
  expect(success).toBe(true);
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** The program while it runs. */
type Program = { readonly said: () => string; readonly ended: Promise<unknown> };

/** The output of the program, and its exit code. */
async function run(
  runtime: readonly string[],
  args: readonly string[],
  meanwhile: (program: Program) => Promise<void> = async () => {},
): Promise<string> {
  const child = Bun.spawn([...runtime, program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), deadline.processMs);
  try {
    let said = "";
    const listen = async (): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const bytes of child.stdout) said += decoder.decode(bytes, { stream: true });
    };
    const all = Promise.all([listen(), child.stderr.text()]);
    await meanwhile({ said: () => said, ended: child.exited });
    const code = await child.exited;
    const [, complaints] = await all;
    return `${said}${complaints}exit ${code}`;
  } finally {
    clearTimeout(timer);
  }
}

async function endsOn(runtime: readonly string[]): Promise<void> {
  const server = await startNats();
  try {
    expect(await run(runtime, [server.url])).toBe("gap\nclosed\nexit 0");
    expect(await run(runtime, [server.url, "0"])).toBe("closed\nexit 0");
    expect(await run(runtime, [`nats://127.0.0.1:${freePort()}`, "100"])).toBe("closed\nexit 0");
    await server.signal("SIGSTOP");
    expect(await run(runtime, [server.url, "800", quick])).toBe("closed\nexit 0");
    expect(await run(runtime, [server.url, "200"])).toBe("closed\nexit 0");
    await server.signal("SIGCONT");
    const stopped = async ({ said }: Program): Promise<void> => {
      await until(() => said().startsWith("gap"), "a connection");
      await server.signal("SIGSTOP");
    };
    expect(await run(runtime, [server.url, "gap 500"], stopped)).toBe("gap\nclosed\nexit 0");
  } finally {
    await server.stop();
  }
}

async function enduresOn(runtime: readonly string[]): Promise<void> {
  const port = freePort();
  const rude = await startRude(port);
  const servers = `nats://127.0.0.1:${port}`;
  let better: NatsServer | null = null;
  try {
    const said = await run(runtime, [servers, "message", quick], async ({ ended }) => {
      await rude.done;
      await rude.stop();
      better = await startNats("", port);
      const node = nats({ servers });
      const telling = setInterval(() => node.publish(["close"], ""), 50);
      await ended;
      clearInterval(telling);
      await node.close();
    });
    // The library itself logs when it reads something that is not the NATS protocol.
    expect(said).toMatch(/^(gap\n)+(reader closed [^]*?\n)?(gap\n)+closed\nexit 0$/);
    expect(said.split("gap\n").length).toBeGreaterThan(10);
  } finally {
    await rude.stop();
    await (better as NatsServer | null)?.stop();
  }
}

const ends = "F8: a process that closes its transport ends, whatever the server does then";
const endures = "F8: nothing that a server does ends the process, or keeps it from a better one";

describeWith("nats-server", "a process with a transport over NATS", () => {
  test.concurrent(`${ends} (Bun)`, () => endsOn([process.execPath]));
  test.concurrent(`${endures} (Bun)`, () => enduresOn([process.execPath]));
  // With Deno 2.9.6 a server that greets and hangs up at once ends the process: the library writes to a closed socket, without a handler.
  test.concurrent(`${ends} (Deno)`, () =>
    endsOn([deno, "run", "--no-prompt", "--allow-net", "--allow-env", "--allow-read"]),
  );
  describeWith("node", "on Node", () => {
    test.concurrent(`${ends} (Node)`, () => endsOn([programPath("node")]));
    test.concurrent(`${endures} (Node)`, () => enduresOn([programPath("node")]));
  });
});
