import { getConfig, getLogger, type Logger } from "@logtape/logtape";
import { formatLine } from "./log-line.ts";

type Write = (message: string, properties?: Record<string, unknown>) => void;

/** The log of the library. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
  /** Whether events of this level, below those that go to the console, are written anywhere: for what costs something to say. */
  isEnabledFor(level: "debug" | "info"): boolean;
  /** The same, with these properties in each of its events. */
  with(properties: Record<string, unknown>): Log;
}

type Console = { readonly console: Record<"warn" | "error", (line: string) => void> };

/**
 * A log of the library: events go to LogTape's logger of this category. Until the host has configured LogTape, warnings and errors go to the
 * console, a line of JSON each, because they would be lost otherwise; once it has, only LogTape decides.
 *
 * @example
 * createLog(["tidings", "http"]).error("authenticate failed", { error });
 */
export function createLog(category: readonly [string, ...string[]]): Log {
  return logOn(getLogger(category), {});
}

function logOn(logger: Logger, known: Record<string, unknown>): Log {
  const loud =
    (level: "warning" | "error" | "fatal"): Write =>
    (message, properties = {}) => {
      if (isConfigured(logger)) return logger[level](message, properties);
      const { category } = logger;
      const event = { category, level, rawMessage: message, message: [message], timestamp: Date.now() };
      const line = formatLine({ ...event, properties: { ...known, ...properties } });
      (globalThis as unknown as Console).console[level === "warning" ? "warn" : "error"](line);
    };
  return {
    debug: (message, properties) => logger.debug(message, properties),
    info: (message, properties) => logger.info(message, properties),
    warn: loud("warning"),
    error: loud("error"),
    fatal: loud("fatal"),
    isEnabledFor: (level) => logger.isEnabledFor(level),
    with: (properties) => logOn(logger.with(properties), { ...known, ...properties }),
  };
}

/** Whether the host has configured LogTape, this copy of it or another one: the copies share their loggers. */
const isConfigured = (logger: Logger): boolean => getConfig() !== null || logger.isEnabledFor("fatal");
