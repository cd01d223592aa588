import { join } from "node:path";
import { connect } from "../../support/client.ts";
import type { Start } from "../../support/server.ts";

/** D4: how many of the messages that were just accepted another process does not see in the database's file. */
export async function countUnseen(options: { start: Start; dir: string; messages: number }): Promise<number> {
  const { start, dir, messages } = options;
  const server = await start({ dir });
  const witness = startWitness(join(dir, "tidings.db"));
  try {
    const alice = await connect(server.url, { user: "alice" });
    let unseen = 0;
    for (let i = 0; i < messages; i++) {
      const { id } = await alice.sendOk({ to: "bob" }, `m${i}`);
      if ((await witness.count(id)) !== 1) unseen++;
    }
    alice.terminate();
    return unseen;
  } finally {
    await witness.end();
    await server.dispose();
  }
}

/** Looks into the database file from a process of its own: how many rows does each id have? */
function startWitness(file: string) {
  // A database that is not even migrated yet has no row either.
  const program = `
    import Database from ${JSON.stringify(Bun.resolveSync("libsql", import.meta.dir))};
    const database = new Database(process.argv[1], { readonly: true });
    const count = (id) => {
      try { return database.prepare("SELECT count(*) AS count FROM tidings_message WHERE id = ?").get(id).count; }
      catch { return 0; }
    };
    for await (const id of console) console.log(count(id));`;
  const child = Bun.spawn([process.execPath, "-e", program, file], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    async count(id: string): Promise<number> {
      await child.stdin.write(`${id}\n`);
      await child.stdin.flush();
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error("The witness has ended");
        text += decoder.decode(value, { stream: true });
      }
      const [line = "", ...rest] = text.split("\n");
      text = rest.join("\n");
      return Number(line);
    },
    async end(): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
