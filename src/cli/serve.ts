import { command } from "./command.ts";

/** Its whole configuration is the environment: there is one way to say a thing, and secrets stand in no list of processes. */
export const serveCommand = command(
  "serve",
  "Serves one chat on one database; configured by the environment (docs/server.md)",
  {},
  async () => {
    await import("../server.ts");
  },
);
