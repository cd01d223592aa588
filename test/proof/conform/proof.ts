import { join } from "node:path";
import { clientCases, type KitServer, runCases, startCommand, withClientWorld } from "../../../src/conform/index.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import type { Proof } from "../proof.ts";

const secret = "the secret of the conformance kit's proof";
const root = join(import.meta.dir, "../../..");
const address = ["{url}", "{user}", "{token}", "{storage}"];
const [url, user, token, storage] = address;

/** The clients of this repository, in processes of their own. */
export const commands: Readonly<Record<string, readonly string[]>> = {
  "tidings chat": [
    ...[process.execPath, join(root, "src/cli.ts"), "chat", "--json", "--url", `${url}`, "--user", `${user}`],
    ...["--token", `${token}`, "--database", `file:${storage}/chat.db`],
  ],
  "client.py": ["python3", join(root, "docs/examples/client.py"), ...address],
};

const tries = Object.entries(commands).flatMap(([name, command]) => clientCases.map((one) => ({ name, command, one })));
const parallel = 4;

/** Tries both clients, case after case, over and over. */
export const proof: Proof = {
  name: "conform",
  unit: "cases",
  rules: ["Y1", "Y4"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const servers: RunningServer[] = [];
    const start = async (): Promise<KitServer> => {
      const server = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret } });
      servers.push(server);
      return { url: `http://127.0.0.1:${server.port}`, secret };
    };
    const violations: string[] = [];
    let next = from;
    let tried = 0;
    try {
      const [server, second] = await Promise.all([start(), start()]);
      const work = async (): Promise<void> => {
        while (next < from + count && !isOver()) {
          const number = next++;
          const one = tries[number % tries.length];
          if (one === undefined) return;
          const options = { server, secondServer: async () => second, start: startCommand(one.command) };
          const [result] = await runCases([one.one], {
            parallel: 1,
            withWorld: (_, use) => withClientWorld(options, use),
          });
          tried++;
          if (result?.outcome !== "passed") violations.push(`${number}: ${one.name} ${one.one.id} ${result?.detail}`);
        }
      };
      await Promise.all(Array.from({ length: parallel }, work));
    } finally {
      await Promise.all(servers.map((server) => server.dispose()));
    }
    say(`${tried} cases, ${violations.length} failed`);
    return { tried, next, violations, facts: {} };
  },
};
