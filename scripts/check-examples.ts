/**
 * The `@example` blocks of doc comments in src compile. Each is checked in a function at the end of its own file, so it may use all names of the file,
 * and those of `given`, without declaring them.
 *
 *   bun scripts/check-examples.ts
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lineAt } from "./source.ts";
import { withProject } from "./syntax.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

/** What the host of a chat has in scope: name and type, as seen from src. */
export const given: Readonly<Record<string, string>> = {
  Deno: "{ readonly serve: (options: { readonly port: number }, handler: (request: Request, info: object) => Promise<Response>) => object }",
  app: 'import("hono").Hono',
  bun: 'typeof import("./adapter/bun.ts").bun',
  bus: 'import("./bus/transport.ts").Transport',
  call: 'import("./hook/message-hook.ts").MessageCall',
  chat: 'import("./chat-api.ts").Chat',
  client: 'import("./client/api.ts").Client',
  clock: 'import("./internal/clock.ts").Clock',
  createChat: 'typeof import("./chat.ts").createChat',
  createServer: 'typeof import("node:http").createServer',
  demo: 'typeof import("./access/demo.ts").demo',
  engine: 'import("./store/engine/engine.ts").Engine',
  epoch: "string",
  error: "unknown",
  headers: "Headers",
  id: "string",
  issue: 'import("valibot").BaseIssue<unknown>',
  mail: "(to: string, text: string) => Promise<void>",
  memory: 'typeof import("./client/vault/memory.ts").memory',
  message: "{ readonly from: string; readonly to: string; readonly text: string }",
  n: "number",
  options: 'import("./chat-options.ts").ChatOptions',
  random: 'import("./internal/random.ts").Random',
  record: 'import("@logtape/logtape").LogRecord',
  report: "(fault: unknown) => void",
  request: "Request",
  retryLater: "() => void",
  row: 'import("./client/api.ts").ThreadRow',
  secret: "string",
  thread: 'import("./client/api.ts").Thread',
  upgradeWebSocket: 'import("hono/ws").UpgradeWebSocket',
  userOf: "(request: Request) => { readonly user: string } | null",
  wait: "(ms: number) => Promise<void>",
  work: "() => Promise<void>",
};

/** The file that declares those names; it is not on disk. */
const hostFile = "src/example-host.ts";

/** An example: the line of its first statement, and its text. */
type Example = { readonly line: number; readonly text: string };

/** The examples of a file. */
export function examplesOf(source: string): readonly Example[] {
  return [...source.matchAll(/^ *\* @example\n((?: *\* (?!@).*\n)+)/gm)].map(({ index, 1: block = "" }) => ({
    line: lineAt(source, index) + 1,
    text: block.replaceAll(/^ *\* /gm, ""),
  }));
}

type Checked = { readonly text: string; readonly lineOf: (line: number) => number };

/** A file with each of its examples in a function at its end, and the line of the file that a line of an example came from. */
function withExamples(source: string, examples: readonly Example[]): Checked {
  const lines = new Map<number, number>();
  let text = `${source.trimEnd()}\n`;
  for (const example of examples) {
    text += "void (async () => {\n";
    const first = lineAt(text, text.length);
    for (const index of example.text.split("\n").keys()) lines.set(first + index, example.line + index);
    text += `${example.text}});\n`;
  }
  return { text, lineOf: (line) => lines.get(line) ?? line };
}

/** Every error in the examples of the files of `root`/src, as a line for people. */
export async function checkExamples(root: string, names = given): Promise<readonly string[]> {
  const files = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })].filter((file) => !file.startsWith("src/web/"));
  const checked = new Map<string, Checked>();
  for (const file of files.sort()) {
    const source = readFileSync(join(root, file), "utf8");
    const examples = examplesOf(source);
    if (examples.length > 0) checked.set(file, withExamples(source, examples));
  }
  const host = Object.entries(names).map(([name, type]) => `const ${name}: ${type};\n`);
  const texts = new Map([...checked].map(([file, { text }]) => [file, text]));
  texts.set(hostFile, `declare global {\n${host.join("")}}\nexport {};\n`);
  const config = {
    extends: "./tsconfig.json",
    compilerOptions: {
      // As apps of other people are checked (docs/tsconfig.json).
      exactOptionalPropertyTypes: false,
      // An example ends where it has shown its point.
      noImplicitReturns: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: [...checked.keys(), hostFile],
    include: [],
  };
  return withProject({ root, config, texts }, async ({ program }) => {
    const found = await Promise.all(
      [...texts.keys()].map(async (file) => {
        const path = join(root, file);
        const errors = [
          ...(await program.getSyntacticDiagnostics(path)),
          ...(await program.getSemanticDiagnostics(path)),
        ];
        return errors.map(({ pos, text }) => {
          const line = lineAt(texts.get(file) ?? "", pos);
          return `${file}:${checked.get(file)?.lineOf(line) ?? line} ${text}`;
        });
      }),
    );
    return found.flat();
  });
}

if (import.meta.main) reportViolations(await checkExamples(repositoryRoot));
