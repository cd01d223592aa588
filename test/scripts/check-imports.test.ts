import { describe, expect, test } from "bun:test";
import { checkImports, importsOf } from "../../scripts/check-imports.ts";
import { plantTree } from "../support/tree.ts";

const good = {
  "src/error.ts": "export class ChatError extends Error {}\n",
  "src/model.ts": 'import type { ChatError } from "./error.ts";\nexport type Model = ChatError;\n',
  "src/internal/clock.ts": "export type Clock = object;\n",
  "src/protocol/frame.ts": 'import type { Model } from "../model.ts";\nexport type Frame = Model;\n',
  "src/store/store.ts": 'import type { Frame } from "../protocol/frame.ts";\nexport type Store = Frame;\n',
  "src/store/engine/file.ts": 'import { openSync } from "node:fs";\nexport const open = openSync;\n',
  "src/feed/feed.ts": 'import type { Store } from "../store/store.ts";\nexport type Feed = Store;\n',
  "src/connection/socket.ts": "export type Socket = object;\n",
  "src/hub/hub.ts":
    'import type { Socket } from "../connection/socket.ts";\nimport type { Feed } from "../feed/feed.ts";\nexport type Hub = Socket & Feed;\n',
  "src/push/decide.ts": 'import type { Store } from "../store/store.ts";\nexport type Decide = Store;\n',
  "src/http/route.ts": 'import type { Hub } from "../hub/hub.ts";\nexport type Route = Hub;\n',
  "src/chat.ts": 'import type { Route } from "./http/route.ts";\nexport type Chat = Route;\n',
  "src/index.ts": 'export type { Chat } from "./chat.ts";\n',
  "src/adapter/bun.ts":
    'import type { Server } from "bun";\nimport type { Chat } from "../chat.ts";\nexport type X = Server<Chat>;\n',
  "src/standalone/config.ts": 'import { join } from "node:path";\nexport const read = join;\n',
  "src/server.ts": 'import "./adapter/bun.ts";\nimport "./standalone/config.ts";\nimport "./web/page.ts";\n',
  "src/web/page.ts": 'import type { Frame } from "../protocol/frame.ts";\nexport type Page = Frame;\n',
};

function check(planted: Readonly<Record<string, string>>): readonly string[] {
  using tree = plantTree({ ...good, ...planted });
  return checkImports(tree.root);
}

describe("checkImports", () => {
  test("passes a tree in which imports point one way", () => {
    expect(check({})).toEqual([]);
  });

  test.each([
    ["src/hub/bad.ts", "src/http/route.ts", "hub may not import http"],
    ["src/model/bad.ts", "src/protocol/frame.ts", "base may not import protocol"],
    ["src/internal/bad.ts", "src/protocol/frame.ts", "base may not import protocol"],
    ["src/protocol/bad.ts", "src/store/store.ts", "protocol may not import store"],
    ["src/store/migration/bad.ts", "src/feed/feed.ts", "store may not import feed"],
    ["src/store/engine/bad.ts", "src/connection/socket.ts", "store may not import connection"],
    ["src/feed/bad.ts", "src/connection/socket.ts", "feed may not import connection"],
    ["src/connection/bad.ts", "src/feed/feed.ts", "connection may not import feed"],
    ["src/hub/bad.ts", "src/push/decide.ts", "hub may not import push"],
    ["src/push/bad.ts", "src/hub/hub.ts", "push may not import hub"],
    ["src/http/bad.ts", "src/chat.ts", "http may not import chat"],
    ["src/index.ts", "src/adapter/bun.ts", "chat may not import adapter"],
    ["src/hub/bad.ts", "src/adapter/bun.ts", "hub may not import adapter"],
    ["src/adapter/bad.ts", "src/server.ts", "adapter may not import standalone"],
    ["src/web/bad.ts", "src/hub/hub.ts", "web may not import hub"],
    ["src/http/bad.ts", "src/web/page.ts", "http may not import web"],
  ])("refuses %s → %s", (file, target, reason) => {
    const specifier = `${"../".repeat(file.split("/").length - 1)}${target}`.replace(/^\.\.\//, "./../");
    expect(check({ [file]: `export {};\n\nimport type {} from "${specifier}";\n` })).toContain(
      `${file}:3 imports ${target}: ${reason}`,
    );
  });

  test.each([
    ['export * from "../http/route.ts";', "a re-export"],
    ['export const a = await import("../http/route.ts");', "a dynamic import"],
    ['export type A = typeof import("../http/route.ts");', "a type of a module"],
    ['import {\n  type Route,\n} from "../http/route.ts";', "an import over several lines"],
    ['import "../http/route.ts";', "an import for its effects"],
  ])("sees %j, %s", (text) => {
    expect(check({ "src/hub/bad.ts": text }).join()).toContain("imports src/http/route.ts: hub may not import http");
  });

  test.each(["node:fs", "fs", "fs/promises", "bun", "bun:sqlite"])("refuses %s in the core", (name) => {
    const found = check({
      "src/hub/bad.ts": `import type {} from "${name}";\n`,
      "src/store/migration/read-folder.ts": `import type {} from "${name}";\n`,
    });
    expect(found).toEqual([`src/hub/bad.ts:1 imports ${name}: the core knows no runtime`]);
  });

  test("reports a cycle once, also of type imports", () => {
    const found = check({
      "src/hub/a.ts": 'import type { B } from "./b.ts";\nexport type A = B;\n',
      "src/hub/b.ts": 'import type { C } from "./c.ts";\nexport type B = C;\n',
      "src/hub/c.ts": 'import type { A } from "./a.ts";\nexport type C = A;\n',
    });
    expect(found).toEqual(["src/hub/a.ts → src/hub/b.ts → src/hub/c.ts → src/hub/a.ts: imports go in a circle"]);
  });

  test("refuses imports from outside src, files that do not exist, and files of no layer", () => {
    const found = check({
      "scripts/tool.ts": "export {};\n",
      "src/hub/bad.ts": 'import "../../scripts/tool.ts";\nimport "./bad";\n',
      "src/helper.ts": "export {};\n",
    });
    expect(found).toEqual([
      "src/helper.ts belongs to no layer: name one in scripts/check-imports.ts",
      "src/hub/bad.ts:1 imports scripts/tool.ts: src may not import files outside it",
      "src/hub/bad.ts:2 imports ./bad: there is no such file",
    ]);
  });
});

describe("importsOf", () => {
  test("is not misled by comments, strings, templates and regular expressions", () => {
    const text = [
      '// import "a";',
      '/* import "b"; */',
      'const glob = "src/**/*.ts"; // */ import "c";',
      'const code = `import "d"; ${`import "e"`}`;',
      "const quote = /[\"'`/*]/; const half = 4 / 2 / 1;",
      'const text = \'from "f"\'; thing.from("g");',
      'import { real } from "h";',
    ].join("\n");
    expect(importsOf(text)).toEqual([{ line: 7, specifier: "h" }]);
  });
});
