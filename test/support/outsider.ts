import { lineReader } from "./lines.ts";

/** A process without our code: it reads the database file, or holds its write lock, past the lock file. */
export function startOutsider(file: string) {
  const program = `
    import Database from ${JSON.stringify(Bun.resolveSync("libsql", import.meta.dir))};
    const database = new Database(process.argv[1], { timeout: 2000 });
    // It never checkpoints: two checkpointing processes may harm the file, which is not tried here.
    database.exec("PRAGMA wal_autocheckpoint = 0");
    const answer = (line) => {
      if (line === "lock") return database.exec("BEGIN IMMEDIATE"), "locked";
      if (line === "unlock") return database.exec("ROLLBACK"), "unlocked";
      try { return database.prepare("SELECT count(*) AS count FROM tidings_message WHERE id = ?").get(line).count; }
      catch (error) { if (!String(error).includes("no such table")) throw error; }
      return 0;
    };
    for await (const line of console) console.log(answer(line));`;
  const child = Bun.spawn([process.execPath, "-e", program, file], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const nextLine = lineReader(child.stdout);

  async function ask(line: string): Promise<string> {
    await child.stdin.write(`${line}\n`);
    await child.stdin.flush();
    return await nextLine();
  }

  return {
    lock: async (): Promise<void> => void (await ask("lock")),
    unlock: async (): Promise<void> => void (await ask("unlock")),
    /** How many rows have this message id; 0 in a database that is not migrated. */
    count: async (id: string): Promise<number> => Number(await ask(id)),
    /** Ends it as a power cut would, with the locks that it holds. */
    async kill9(): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
