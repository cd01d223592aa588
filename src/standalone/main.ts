import { readFile } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import { connectionsWithin, openFilesMax } from "./open-files.ts";
import type { DatabaseOptions } from "../chat-options.ts";
import { createChat } from "../chat.ts";
import type { AuthConfig } from "./config-auth.ts";
import { type Config, readConfig } from "./config.ts";
import { ChatError } from "../error.ts";
import type { Authenticate } from "../access/authenticate.ts";
import { demo } from "../access/demo.ts";
import { jwt } from "../access/jwt.ts";
import { configureLog } from "./log.ts";
import { defaultLimits } from "../protocol/limits.ts";
import { openBus } from "./bus.ts";
import { listen } from "./listen.ts";
import type { Listener } from "./listener.ts";
import { pushProviders } from "./push-providers.ts";
import { onSignal } from "./signals.ts";
import { siteOf } from "./site.ts";
import { redactUrl } from "../store/engine/redact-url.ts";

/** The standalone server: environment → chat → the runtime's server. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  configureLog({ level: config.logLevel });
  const log = getLogger(["tidings", "server"]);
  const openFiles = openFilesMax();
  const connectionsMax = connectionsWithin(openFiles, defaultLimits.connectionsMax);
  const { delayMs, accountsPerDevice } = config.push;
  const push = pushProviders(config.push);
  const bus = config.clusterUrl === undefined ? undefined : await openBus(config.clusterUrl);
  const chat = createChat({
    database: databaseOf(config.database),
    authenticate: authenticateBy(config.auth),
    ...{ origins: config.origins, corsHeaders: config.corsHeaders, trustProxy: config.trustProxy, rates: config.rates },
    base: "",
    push,
    ...(accountsPerDevice && { accountsPerDevice }),
    ...(bus && { bus }),
    limits: {
      ...{ connectionsMax, heartbeatMs: config.heartbeatMs, shutdownMs: config.shutdownMs, startMs: config.startMs },
      ...(delayMs !== undefined && { pushActiveDelayMs: delayMs, pushIdleDelayMs: delayMs }),
    },
  });
  let server: Listener | null = null;
  let isStopping = false;
  async function stop(reason: string, exitCode: number): Promise<void> {
    if (isStopping) return;
    isStopping = true;
    log.info("shutting down", { reason });
    const deadline = setTimeout(() => process.exit(1), config.shutdownMs);
    await chat.close();
    await server?.stop();
    await bus?.close();
    clearTimeout(deadline);
    log.info("stopped", { reason });
    process.exit(exitCode);
  }
  onSignal((signal) => void stop(signal, 0));
  // After an uncaught exception the state is unknown: log it, drain and exit.
  process.on("uncaughtException", (error) => {
    log.fatal("uncaught exception", { error });
    void stop("uncaught exception", 1);
  });
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));

  try {
    await chat.ready();
  } catch (error) {
    // A signal arrived during the start: the shutdown ends the process.
    if (isStopping) return;
    throw error;
  }
  const site = await siteOf(chat, config);
  if (isStopping) return;
  server = await listen(chat, { port: config.port, hostname: config.host, fetch: site });
  log.info("serving", {
    host: config.host,
    port: server.port,
    auth: config.auth.kind,
    connectionsMax,
    openFiles,
    push: push.map(({ name }) => name),
  });
  printBanner(config, server.port);
}

/** A token's file is read each time that a token is asked for, so that a renewed token needs no restart. */
function databaseOf({ url, authToken, authTokenFile }: Config["database"]): DatabaseOptions {
  if (authTokenFile !== undefined) return { url, authToken: () => readFile(authTokenFile, "utf8") };
  return authToken === undefined ? { url } : { url, authToken };
}

function authenticateBy(auth: AuthConfig): Authenticate {
  if (auth.kind === "demo") return demo({ anywhere: auth.anywhere });
  const { kind: _, ...options } = auth;
  return jwt(options);
}

/** Prints for the person at the terminal; programs read the log. */
function printBanner(config: Config, port: number): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const lines = [`Tidings is serving http://${host}:${port}/ (database ${redactUrl(config.database.url)})`];
  if (config.auth.kind === "demo")
    lines.push(
      "AUTH=demo: users are not authenticated. Click to chat in two windows:",
      `  http://${host}:${port}/?user=alice&to=bob`,
      `  http://${host}:${port}/?user=bob&to=alice`,
    );
  process.stderr.write(`${lines.join("\n")}\n`);
}

main().catch((error: unknown) => {
  const text = error instanceof ChatError ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`tidings: ${text}\n`);
  process.exit(1);
});
