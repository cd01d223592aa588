import { configureSync, type LogLevel, type LogRecord } from "@logtape/logtape";
import { formatLine } from "../internal/log-line.ts";

/**
 * Configures logging for a program that is Tidings alone: one line of JSON per event, `error` and `fatal` on the standard
 * error, everything else on the standard output.
 *
 * The library itself logs to `["tidings", …]` of LogTape. Until its host configures LogTape, this way or its own, warnings and errors go to
 * the console. Configuring again replaces the earlier configuration.
 *
 * @param options.level Events below it are dropped; default `info`.
 * @param options.write Takes each line, without a line end; default: the standard streams.
 *
 * @example
 * configureLog({ level: "debug" });
 */
export function configureLog(
  options: { readonly level?: LogLevel; readonly write?: (line: string, level: LogLevel) => void } = {},
): void {
  const { level = "info", write = createStandardWrite() } = options;
  configureSync({
    reset: true,
    sinks: { line: (record: LogRecord) => write(formatLine(record), record.level) },
    loggers: [
      { category: ["tidings"], sinks: ["line"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["line"], lowestLevel: "warning" },
    ],
  });
}

function createStandardWrite(): (line: string, level: LogLevel) => void {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader of the log that went away (EPIPE) would otherwise end the server.
    if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  }
  return (line, level) => {
    const stream = level === "error" || level === "fatal" ? process.stderr : process.stdout;
    stream.write(`${line}\n`);
  };
}

const ignore = (): void => {};
