import { afterEach, beforeEach, expect, test } from "bun:test";
import { configureSync, getLogger, type LogRecord, resetSync } from "@logtape/logtape";
import { createAdmit } from "../../src/access/admit.ts";
import { createRefusedOrigins } from "../../src/access/refused-origins.ts";
import { formatLine } from "../../src/internal/log-line.ts";

let records: LogRecord[] = [];
beforeEach(() => {
  records = [];
  configureSync({
    reset: true,
    sinks: { list: (record: LogRecord) => void records.push(record) },
    loggers: [
      { category: ["tidings"], sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: ["list"], lowestLevel: "warning" },
    ],
  });
});
afterEach(resetSync);

const report = () => createRefusedOrigins(getLogger(["tidings", "http"]));
const levels = () => records.map(({ level }) => level);

test("L48 P5 an origin that is refused at the socket is logged with the values that it was compared with", async () => {
  const admit = createAdmit({
    authenticate: () => ({ user: "alice" }),
    origins: ["https://app.example"],
    now: () => 1,
    onRefusedOrigin: report(),
  });
  const ask = async (origin: string): Promise<void> => {
    const headers = { host: "chat.example:8080", upgrade: "websocket", origin };
    expect(await admit(new Request("http://chat.example:8080/ws", { headers }))).toMatchObject({
      ...(origin === "https://app.example" ? { device: "default" } : { status: 403 }),
    });
  };
  await ask("https://app.example");
  await ask("https://other.example");
  await ask("https://other.example");
  await ask("https://another.example");
  expect(levels()).toEqual(["warning", "debug", "warning"]);
  expect(records[0]?.properties).toEqual({
    origin: "https://other.example",
    own: ["https://chat.example:8080", "http://chat.example:8080"],
    allowed: ["https://app.example"],
  });
});

test("L48 over https the page must be https, and without a Host nothing is its own", () => {
  const refused = report();
  refused({ origin: "http://chat.example", url: "https:", host: "chat.example", allowed: [] });
  refused({ origin: "null", url: "http:", host: null, allowed: [] });
  expect(records.map(({ properties }) => properties["own"])).toEqual([["https://chat.example"], []]);
});

test("L48 strangers who make up origins get no line each, and no long one", () => {
  const refused = report();
  for (let i = 0; i < 1_000; i++)
    refused({ origin: `https://${i}.${"x".repeat(5_000)}`, url: "http:", host: "h".repeat(5_000), allowed: [] });
  expect(levels().filter((level) => level === "warning").length).toBe(32);
  for (const record of records) expect(formatLine(record).length).toBeLessThan(1_000);
});
