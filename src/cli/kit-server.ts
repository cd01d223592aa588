import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatError } from "../error.ts";
import type { KitServer } from "../conform/index.ts";

/** A server on an empty database, in a process of its own. */
export type StartedServer = KitServer & { readonly stop: () => Promise<void> };

const startMs = 60_000;
/** Of what a server has said, as much as a report needs. */
const outputCharsMax = 16_384;

/** Starts the standalone server for clients under test. They are strangers to it: each proves its user with a token that is signed with `secret`. */
export async function startKitServer(secret: string): Promise<StartedServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-conform-"));
  const [program = ""] = process.argv.slice(1);
  const child = spawn(process.execPath, [program, "serve"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], AUTH: "jwt", JWT_SECRET: secret, PORT: "0", DATABASE_URL: "file:kit.db" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  let output = "";
  const port = await new Promise<string | undefined>((resolve) => {
    const streams = [child.stdout, child.stderr];
    const look = (bytes: Buffer): void => {
      const all = output + bytes.toString();
      output = all.slice(-outputCharsMax);
      const [, found] = /"message":"serving"[^\n]*"port":(\d+)/.exec(all) ?? [];
      if (found === undefined) return;
      // What it says from now on is read, so that it can go on, and dropped.
      for (const stream of streams) stream.off("data", look).resume();
      resolve(found);
    };
    for (const stream of streams) stream.on("data", look);
    void gone.then(() => resolve(undefined));
    setTimeout(() => resolve(undefined), startMs).unref();
  });
  if (port !== undefined) return { url: `http://127.0.0.1:${port}`, secret, stop };
  await stop();
  throw new ChatError("config_invalid", `The server of the kit did not start:\n${output.trim()}`);
}
