import type { Limits } from "../../src/protocol/limits.ts";
import type { Plants } from "./plant.ts";

export const protocol = {
  "cursors of before are read as further than they are": {
    rule: "O40",
    file: "protocol/cursor.ts",
    from: "{ n: open.n } : null",
    to: "{ n: open.n + 3 } : null",
  },
  "cursors of before are not known": {
    rule: "O40",
    file: "protocol/cursor.ts",
    from: "open.epoch === epoch ?",
    to: "open.epoch === `${epoch}?` ?",
  },
  "input is merged into objects": {
    rule: "X8",
    file: "protocol/decode.ts",
    from: "value = JSON.parse(data);",
    to: `const merge = (to, from) => {
      for (const key of Object.keys(from))
        if (typeof from[key] === "object" && from[key] !== null && typeof to[key] === "object") merge(to[key], from[key]);
        else to[key] = from[key];
      return to;
    };
    value = JSON.parse(data);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) value = merge({}, value);`,
  },
  "an id is any short text": {
    rule: "X7",
    file: "protocol/identifier.ts",
    from: "/^[A-Za-z0-9+\\-_.@:~|]{1,128}$/",
    to: "/^.{1,128}$/su",
  },
  /** No fault: in this release receipts are of a level above all others. */
  "a release with one more level": {
    file: "log/receipt.ts",
    from: "level: 1",
    to: "level: 4",
  },
  /** No fault: these limits replace the default ones. */
  "other limits": {
    file: "protocol/limits.ts",
    from: "} as const;",
    to: (limits: Partial<Limits>) =>
      `${Object.entries(limits)
        .map(([name, value]) => `  ${name}: ${value},`)
        .join("\n")}\n} as const;`,
  },
} satisfies Plants;
