/**
 * Imports point one way, and the core knows no runtime. Type imports count.
 *
 *   bun scripts/check-imports.ts
 */
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix } from "node:path";
import { cyclesOf } from "./cycle.ts";
import { lineAt } from "./source.ts";
import { specifiersOf } from "./specifiers.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

/** Each layer with the other layers that it may import. Single files of src count as part of the layer that they belong to. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ["base"],
  log: ["base", "protocol"],
  store: ["base", "protocol", "log"],
  bus: ["base"],
  feed: ["base", "protocol", "log", "store", "bus"],
  action: ["base", "protocol", "store"],
  access: ["base", "protocol", "log", "store"],
  connection: ["base", "protocol", "log", "store", "access"],
  hub: ["base", "protocol", "log", "store", "bus", "feed", "action", "access", "connection"],
  push: ["base", "protocol", "log", "store", "feed"],
  hook: ["base", "protocol", "store", "feed"],
  http: ["base", "protocol", "log", "store", "action", "access", "connection", "hub", "push"],
  tenant: ["base", "protocol", "log", "store", "bus", "feed", "access", "connection", "hub", "push", "hook"],
  chat: [
    ...["base", "protocol", "store", "bus", "feed", "action", "access", "connection", "hub", "push", "hook", "http"],
    "tenant",
  ],
  adapter: ["base", "protocol", "access", "connection", "http", "chat"],
  standalone: [
    ...["base", "protocol", "store", "bus", "access", "push", "http", "chat", "adapter", "client", "web"],
    "conform",
  ],
  client: ["base", "protocol"],
  react: ["client"],
  mui: ["client", "react"],
  "react-native": ["base", "client"],
  web: ["base", "protocol", "client", "react"],
  // It judges the others, and shares no mistake with them.
  conform: [],
};

/** Which layer a file or folder directly under src belongs to, where it is not a layer's own folder. */
const layerOfName: Readonly<Record<string, string>> = {
  error: "base",
  model: "base",
  internal: "base",
  chat: "chat",
  "chat-api": "chat",
  "chat-options": "chat",
  "check-options": "chat",
  index: "chat",
  cli: "standalone",
  server: "standalone",
};

/** The only places where `node:` and `bun` modules may be imported. */
const edge =
  /^src\/(adapter\/|bus\/nats\/|store\/engine\/|store\/migration\/read-folder\.ts$|push\/provider\/resolve-host\.ts$|standalone\/|conform\/|(server|cli)(\/|\.ts$))/;

type Import = { readonly line: number; readonly specifier: string };

/** Every violation under `root`/src, as a line for people. */
export function checkImports(root: string): readonly string[] {
  const files = [...new Bun.Glob("src/**/*.{ts,tsx}").scanSync({ cwd: root })].map(toPosix).sort();
  const violations: string[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const file of files) {
    const targets: string[] = [];
    if (layerOf(file) === null) violations.push(`${file} belongs to no layer: name one in scripts/check-imports.ts`);
    for (const found of importsOf(readFileSync(join(root, file), "utf8"))) {
      const violation = judge(root, file, found);
      if (violation !== null) violations.push(`${file}:${found.line} ${violation}`);
      const target = targetOf(file, found.specifier);
      if (target !== null) targets.push(target);
    }
    graph.set(file, targets);
  }
  return [...violations, ...cyclesOf(graph).map((cycle) => `${cycle.join(" → ")}: imports go in a circle`)];
}

/** Static, type-only and dynamic imports and re-exports, also `typeof import("…")`. */
export function importsOf(text: string): readonly Import[] {
  return specifiersOf(text).map(({ at, value }) => ({ line: lineAt(text, at), specifier: value }));
}

/** The fault of an import, or null. */
function judge(root: string, file: string, { specifier }: Import): string | null {
  const target = targetOf(file, specifier);
  if (target === null) {
    return isRuntimeModule(specifier) && !edge.test(file) ? `imports ${specifier}: the core knows no runtime` : null;
  }
  if (!existsSync(join(root, target))) return `imports ${specifier}: there is no such file`;
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from === null) return null;
  if (to === null) {
    if (from === "server" && target === "package.json") return null;
    return target.startsWith("src/") ? null : `imports ${target}: src may not import files outside it`;
  }
  if (from === to || mayImport[from]?.includes(to) === true) return null;
  return `imports ${target}: ${from} may not import ${to}`;
}

function isRuntimeModule(specifier: string): boolean {
  const [name = ""] = specifier.split("/");
  return /^(node:|bun:|bun$)/.test(specifier) || builtinModules.includes(specifier) || builtinModules.includes(name);
}

function layerOf(file: string): string | null {
  const [, name = ""] = /^src\/([^/]+?)(?:\/|\.[a-z]+$)/.exec(file) ?? [];
  const [family = ""] = name.split("-");
  const layer = layerOfName[name] ?? (name in mayImport ? name : layerOfName[family]);
  return layer ?? null;
}

/** The file that a relative import means, from the root; null for a package. */
function targetOf(file: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return posix.normalize(posix.join(dirname(file), specifier));
}

function toPosix(path: string): string {
  return path.replaceAll("\\", "/");
}

if (import.meta.main) reportViolations(checkImports(repositoryRoot));
