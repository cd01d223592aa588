import { indexedDb } from "../../../src/client/vault/indexed-db.ts";
import type { Vault, Write } from "../../../src/client/vault/contract.ts";
import { arrival, type Case, equal, message, row, vaultCases } from "./vault.contract.ts";

/** What runs in a browser: the suite, and what its tests call by `page.evaluate`. */
const cases = new Map<string, Case>();
vaultCases((name, run) => cases.set(name, run));

const scopeOf = (user: string) => ({ url: "https://app.example/chat", tenant: "t", user });
const vaults = new Map<string, Vault>();

const page = {
  names: () => [...cases.keys()],
  async runCase(name: string, at: number) {
    const scope = { url: "https://app.example/chat", tenant: `tenant-${at}`, user: "me" };
    await cases.get(name)?.({ storage: () => indexedDb(), scope, kind: "durable" });
  },
  async open(user: string) {
    const vault = await indexedDb().open(scopeOf(user), () => `device-${Math.random()}`);
    vault.onLost(() => (page.lost += 1));
    vaults.set(user, vault);
  },
  lost: 0,
  vault(user: string): Vault {
    const vault = vaults.get(user);
    if (vault === undefined) throw new Error(`No vault of ${user} is open`);
    return vault;
  },
  storage: indexedDb,
  scopeOf,
  arrival,
  message,
  row,
  equal,
  /** Writes one whole after the other until the page ends: the message `seq`, its outbox row, its draft and the cursor. */
  async writeForEver(user: string) {
    const vault = page.vault(user);
    for (let seq = 1; ; seq += 1) {
      const write: Write = {
        ...arrival(message("c1", seq, { text: "x".repeat(20_000) })),
        outbox: [{ do: "add", row: row(String(seq).padStart(9, "0")) }],
        drafts: [["d", String(seq)]],
        cursor: { from: seq === 1 ? null : `k${seq - 1}`, to: `k${seq}`, level: 1 },
      };
      vault.write(write, seq % 2 === 0 ? "strict" : "relaxed").catch(() => {});
      if (seq % 8 === 0) await vault.draft("d");
      page.written = seq;
    }
  },
  written: 0,
  /** Counts the rows and requests that the calls of `work` make the browser answer. */
  async costOf(work: () => Promise<unknown>) {
    const cost = { requests: 0, rows: 0, puts: 0 };
    const ends: (() => void)[] = [];
    const watch = (owner: object, name: string, count: (request: { result: unknown }) => void): void => {
      const methods = owner as Record<string, (...args: unknown[]) => EventTarget & { result: unknown }>;
      const before = methods[name];
      if (before === undefined) return;
      methods[name] = function (this: unknown, ...args: unknown[]) {
        const request = before.apply(this, args);
        request.addEventListener("success", () => count(request));
        return request;
      };
      ends.push(() => (methods[name] = before));
    };
    const { IDBObjectStore, IDBIndex } = globalThis as unknown as Record<string, { prototype: object }>;
    for (const source of [IDBObjectStore, IDBIndex])
      for (const name of ["get", "getAll", "openCursor"])
        watch(source?.prototype ?? {}, name, ({ result }) => {
          cost.requests += 1;
          cost.rows += Array.isArray(result) ? result.length : result === undefined ? 0 : 1;
        });
    for (const name of ["put", "delete"]) watch(IDBObjectStore?.prototype ?? {}, name, () => (cost.puts += 1));
    try {
      await work();
    } finally {
      for (const end of ends) end();
    }
    return cost;
  },
};

export type VaultPage = typeof page;
Object.assign(globalThis, { vaultPage: page });
