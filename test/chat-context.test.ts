import { expect, test } from "bun:test";
import { createCapacity } from "../src/access/capacity.ts";
import { createLimiter } from "../src/access/limiter.ts";
import { createContext } from "../src/chat-context.ts";
import type { Log } from "../src/internal/logger.ts";
import { systemRandom } from "../src/internal/random.ts";
import { defaultLimits as limits } from "../src/protocol/limits.ts";
import { ratesOf } from "../src/protocol/rates.ts";
import { fakeClock } from "./support/fake-clock.ts";

test("U68 K70 the log has the beginning of a failure of a provider or a hook as a warning, and its end", () => {
  const events: unknown[] = [];
  const write = (level: string) => (_message: string, properties?: object) => void events.push([level, properties]);
  const log: Log = {
    ...{
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      fatal: write("fatal"),
    },
    isEnabledFor: () => true,
    with: () => log,
  };
  const clock = fakeClock();
  const { health, hookHealth } = createContext(
    { database: { url: "file:unused" }, authenticate: () => null },
    {
      ...{ clock, random: systemRandom, limits, log, capacity: createCapacity(limits) },
      limiter: createLimiter({ rates: ratesOf(), clock }),
      reauthenticate: async () => ({ code: "unauthenticated", text: "" }),
    },
  );
  const notice = { kind: "message", token: "" } as const;
  for (let i = 0; i < 5; i++) health.note("fcm", notice, { type: "retry", answer: "busy" });
  health.note("fcm", notice, { type: "sent", answer: "ok" });
  const failure = { hook: "mail", error: "away", tenant: "default", messageId: "m1" };
  hookHealth.failed({}, failure);
  expect(events).toEqual([
    ["warn", { provider: "fcm", failures: 5, answer: "busy" }],
    ["info", { provider: "fcm", failures: 5, answer: "busy" }],
    ["warn", failure],
  ]);
});
