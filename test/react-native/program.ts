/** A client as in an app of React Native: run in a process of its own, with the address of a server and a file. It prints what it has seen. */
import { left } from "./hermes.ts";
import { createClient, memory } from "../../src/client/index.ts";
import { libsql } from "../../src/client/vault/libsql.ts";
import { expoSqlite, nativeSurroundings } from "../../src/react-native/index.ts";
import { openExpoDatabase } from "./expo-database.ts";

const [url = "", file = ""] = process.argv.slice(2);
const faults: string[] = [];
const onFault = (fault: unknown): void => void faults.push(String(fault));

const listeners = new Set<(state: string) => void>();
const timers = new Set<() => void>();
const appState = {
  currentState: "active",
  addEventListener(_: "change", listener: (state: string) => void) {
    listeners.add(listener);
    return { remove: () => void listeners.delete(listener) };
  },
};
function move(state: string): void {
  appState.currentState = state;
  for (const listener of [...listeners]) listener(state);
}
const clock = {
  after(_: number, task: () => void) {
    timers.add(task);
    return () => void timers.delete(task);
  },
};

const open = (user: string) => ({ url, user, authenticate: async () => ({ parameters: { user } }), onFault });
const alice = createClient({
  ...open("alice"),
  storage: libsql(expoSqlite(openExpoDatabase(file))),
  environment: { surroundings: nativeSurroundings({ appState, clock }) },
});
const bob = createClient({ ...open("bob"), storage: memory() });
alice.retain();
bob.retain();

const until = (readable: { subscribe(listener: () => void): () => void }, isThere: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const end = readable.subscribe(() => isThere() && (end(), resolve()));
    if (isThere()) resolve();
  });
const toBob = alice.thread({ with: "bob" });
const texts = (): string[] => toBob.state.get().rows.map(({ text }) => text);

await toBob.send("from the app").accepted;
await until(alice.status, () => alice.status.get().state === "online");
const toAlice = bob.thread({ with: "alice" });
await toAlice.send("to the app").accepted;
await until(toBob.state, () => texts().length === 2);
move("background");
for (const task of timers) task();
await until(alice.status, () => alice.status.get().state === "asleep");
await toAlice.send("while it was away").accepted;
const away = texts().length;
move("active");
await until(toBob.state, () => texts().length === 3);
await alice.close();
// The next start of the app, before it has a connection.
const next = createClient({ ...open("alice"), storage: libsql(expoSqlite(openExpoDatabase(file))) });
const again = next.thread({ with: "bob" });
const release = next.retain();
await until(again.state, () => again.state.get().rows.length === 3);
const { kind } = next.storage.get();
release();
await next.close();
await bob.close();
console.log(JSON.stringify({ left, texts: texts(), away, kind, faults }));
process.exit();
