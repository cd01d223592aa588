/** Writes whole writes into the SQLite file that it is given, one after the other, until it is killed. Prints a line for each that is kept. */
import { createClient } from "@libsql/client";
import { libsql } from "../../../src/client/vault/libsql.ts";
import { arrival, message, row } from "./vault.contract.ts";

const [, , file = ""] = process.argv;
const scope = { url: "https://app.example/chat", tenant: "t", user: "me" };
const vault = await libsql(createClient({ url: `file:${file}` })).open(scope, () => "d");
for (let seq = 1; ; seq += 1) {
  await vault.write(
    {
      ...arrival(message("c1", seq, { text: "x".repeat(5_000) })),
      outbox: [{ do: "add", row: row(String(seq).padStart(9, "0")) }],
      cursor: { from: seq === 1 ? null : `k${seq - 1}`, to: `k${seq}`, level: 1 },
    },
    "strict",
  );
  console.log(`kept ${seq}`);
}
