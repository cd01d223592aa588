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
      return database.prepare("SELECT count(*) AS count FROM tidings_message WHERE id = ?").get(line).count;
    };
    for await (const line of console) console.log(answer(line));`;
  const child = Bun.spawn([process.execPath, "-e", program, file], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";

  async function ask(line: string): Promise<string> {
    await child.stdin.write(`${line}\n`);
    await child.stdin.flush();
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("The outsider has ended");
      text += decoder.decode(value, { stream: true });
    }
    const [answer = "", ...rest] = text.split("\n");
    text = rest.join("\n");
    return answer;
  }

  return {
    lock: async (): Promise<void> => void (await ask("lock")),
    unlock: async (): Promise<void> => void (await ask("unlock")),
    /** How many rows have this message id. */
    count: async (id: string): Promise<number> => Number(await ask(id)),
    /** Ends it as a power cut would, with the locks that it holds. */
    async kill9(): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

export type Outsider = ReturnType<typeof startOutsider>;
