import { readFileSync } from "node:fs";
import { LoadClient } from "./client.ts";

const connectingMax = 200;
/** The options of both processes besides their connections. */
const spareFiles = 256;

/** Opens one connection for each user and resolves once all have caught up; returns a function that closes them. */
export async function openCrowd(port: number, users: readonly string[], level?: number): Promise<() => Promise<void>> {
  const room = openFilesMax() - spareFiles;
  if (users.length > room)
    throw new Error(`${users.length} connections are too many: raise "ulimit -n" (room for ${room})`);
  const clients: LoadClient[] = [];
  for (let i = 0; i < users.length; i += connectingMax) {
    const wave = users
      .slice(i, i + connectingMax)
      .map((user) => new LoadClient({ port, user, ...(level !== undefined && { level }) }));
    clients.push(...wave);
    await Promise.all(wave.map(({ caughtUp }) => caughtUp));
  }
  return async () => {
    for (const client of clients) client.close();
    await Promise.all(clients.map(({ closed }) => closed));
  };
}

function openFilesMax(): number {
  const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return Number(line?.[1] ?? Number.NaN);
}
