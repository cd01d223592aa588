import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isServing } from "../../support/health.ts";
import { freePort } from "../../support/port.ts";
import { programPath } from "../../support/prerequisite.ts";

/** The server block of docs/proxies.md. */
function documentedBlock(): string {
  const page = readFileSync(join(import.meta.dir, "../../../docs/proxies.md"), "utf8");
  const [, block] = /^```nginx file=chat\.conf\n([\s\S]*?)^```$/m.exec(page) ?? [];
  if (block === undefined) throw new Error("docs/proxies.md has no block for nginx");
  return block;
}

function replaceOnce(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`The block does not hold exactly one ${JSON.stringify(from)}`);
  return text.replace(from, to);
}

export type NginxOptions = {
  /** Where the chat listens. */
  readonly port: number;
  readonly readTimeoutMs: number;
  /** The old workers of a reload close open connections after this time. */
  readonly shutdownMs: number;
};

/** A real nginx with the documented block, in front of a chat on this machine. */
export async function startNginx({ port, readTimeoutMs, shutdownMs }: NginxOptions) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-nginx-"));
  const listen = freePort();
  let block = replaceOnce(documentedBlock(), "server 127.0.0.1:6662;", `server 127.0.0.1:${port};`);
  block = replaceOnce(block, "listen 80;", `listen 127.0.0.1:${listen};`);
  block = replaceOnce(block, "proxy_read_timeout 75s;", `proxy_read_timeout ${readTimeoutMs}ms;`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  writeFileSync(join(folder, "chat.conf"), block);
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log notice;
worker_processes 1;
worker_shutdown_timeout ${shutdownMs}ms;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http { access_log off; ${temporary.join(" ")} include ${folder}/chat.conf; }
`,
  );
  const child = Bun.spawn(
    [programPath("nginx"), "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")],
    {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const log = (): string => readFileSync(join(folder, "error.log"), "utf8");
  if (!(await isServing(`http://127.0.0.1:${listen}/healthz`, () => child)))
    throw new Error(`nginx does not serve: ${log()}`);

  return {
    port: listen,
    url: `ws://127.0.0.1:${listen}`,
    log,
    /** As `nginx -s reload` does; resolves once new workers have taken over. */
    async reload(): Promise<void> {
      const before = log().split("start worker process ").length;
      child.kill("SIGHUP");
      for (let i = 0; log().split("start worker process ").length === before; i++) {
        if (i === 2_400) throw new Error("nginx did not reload");
        await Bun.sleep(25);
      }
    },
    async stop(): Promise<void> {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Nginx = Awaited<ReturnType<typeof startNginx>>;
