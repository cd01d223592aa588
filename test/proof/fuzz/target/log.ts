import type { LogRecord } from "@logtape/logtape";
import fc from "fast-check";
import { formatLine } from "../../../../src/internal/log-line.ts";
import { createTarget, type Target } from "../target.ts";

/** Line ends, and control characters of terminals. */
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;

const thrower = fc.constantFrom("get", "toJSON", "toString", "proxy").map((kind) => {
  const fail = (): never => {
    throw new Error(`planted in ${kind}`);
  };
  if (kind === "proxy") return new Proxy({}, { ownKeys: fail, get: fail, getPrototypeOf: fail });
  return kind === "get" ? Object.defineProperty({}, "x", { get: fail, enumerable: true }) : { [kind]: fail };
});
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "\r\n{}",
    "\u001b[2J",
    "\u2028",
    "\u202e",
    "eyJ".repeat(2_000),
    "://".repeat(1_500),
    "?key=".repeat(800),
  ),
);
const value = fc.oneof(
  text,
  fc.anything({
    maxDepth: 2,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  text.map((message) => new Error(message, { cause: { message } })),
  thrower,
  fc.constant(null).map(() => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    return loop;
  }),
);

/** Log lines: one line of JSON, whatever the values are. */
export const logTarget = (format: typeof formatLine = formatLine): Target =>
  createTarget({
    name: "log",
    inputs: fc.record({
      message: text,
      properties: fc.dictionary(fc.oneof(text, fc.constantFrom("url", "error", "time", "__proto__")), value, {
        maxKeys: 4,
      }),
    }),
    judge({ message, properties }) {
      const record: LogRecord = {
        category: ["tidings", "fuzz"],
        level: "info",
        message: [message],
        rawMessage: message,
        timestamp: 1_780_000_000_000,
        properties,
      };
      const line = format(record);
      if (controls.test(line)) return "left a control character bare";
      const event: unknown = JSON.parse(line);
      return typeof event === "object" && event !== null && Reflect.get(event, "level") === "info"
        ? null
        : "lost the event";
    },
  });
