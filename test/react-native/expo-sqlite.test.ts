import { afterAll } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { libsql } from "../../src/client/vault/libsql.ts";
import { expoSqlite } from "../../src/react-native/index.ts";
import { describeStorage } from "../client/vault/run-contract.ts";
import { temporaryFolder } from "../support/server.ts";
import { openExpoDatabase } from "./expo-database.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const database = expoSqlite(openExpoDatabase(join(folder, "app.db")));
describeStorage("J80 expoSqlite()", { kind: "durable", storage: () => libsql(database) });
