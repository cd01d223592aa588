import type { ChatOptions, DatabaseOptions } from "./chat-options.ts";
import { ChatError } from "./error.ts";
import { validateHooks, hooksOf, type MessageHook } from "./hook/message-hook.ts";
import { shownValue } from "./internal/shown-value.ts";
import { refuseUnknown } from "./internal/refuse-unknown.ts";
import { defaultLimits, validateLimits } from "./protocol/limits.ts";
import { validateRates } from "./protocol/rates.ts";
import { validateProviders } from "./push/provider.ts";
import { requireUrl } from "./store/engine/open.ts";

const code = "config_invalid";

type Kind = "function" | "object" | "list" | "text" | "any";

const chatOptions = {
  database: "any",
  authenticate: "function",
  origins: "list",
  corsHeaders: "list",
  authorize: "function",
  canSee: "function",
  revalidate: "function",
  base: "text",
  trustProxy: "any",
  rates: "object",
  push: "list",
  onPush: "function",
  onMessage: "any",
  accountsPerDevice: "any",
  limits: "object",
  bus: "object",
  clock: "object",
  random: "object",
} as const satisfies Record<keyof ChatOptions, Kind>;

const databaseOptions = ["url", "authToken", "migrate", "open"] as const satisfies readonly (keyof DatabaseOptions)[];
const hookOptions = ["name", "begin", "handle"] as const satisfies readonly (keyof MessageHook)[];

const kinds: Readonly<Record<Kind, { readonly name: string; readonly is: (value: unknown) => boolean }>> = {
  function: { name: "a function", is: (value) => typeof value === "function" },
  object: { name: "an object", is: (value) => typeof value === "object" && value !== null && !Array.isArray(value) },
  list: { name: "a list", is: (value) => Array.isArray(value) },
  text: { name: "a text", is: (value) => typeof value === "string" },
  any: { name: "anything", is: () => true },
};

/**
 * Refuses options that do not work; many hosts are plain JavaScript, or run TypeScript without checking it.
 *
 * @throws ChatError `config_invalid`: an option that does not exist or has another type, a malformed database URL, limits or rates that do
 * not fit together.
 */
export function checkOptions(options: ChatOptions): void {
  if (!kinds.object.is(options)) throw invalid(`createChat needs its options as an object, got ${shownValue(options)}`);
  refuseUnknown(options, { known: Object.keys(chatOptions), code, text: "createChat has no option" });
  if (typeof options.authenticate !== "function")
    throw invalid("createChat needs authenticate: it alone says who makes a request");
  for (const [name, kind] of Object.entries(chatOptions)) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && !kinds[kind].is(value))
      throw invalid(`${name} must be ${kinds[kind].name}, got ${shownValue(value)}`);
  }
  if (typeof options.database !== "function") checkDatabase(options.database);
  refuseUnknown(options.limits ?? {}, { known: Object.keys(defaultLimits), code, text: "There is no limit" });
  const limitsFault = validateLimits({ ...defaultLimits, ...options.limits });
  if (limitsFault !== null) throw invalid(`The limits do not fit together: ${limitsFault}`);
  const rateFault = validateRates(options.rates);
  if (rateFault !== null) throw invalid(`The rates cannot be kept: ${rateFault}`);
  for (const hook of options.onMessage === undefined ? [] : [options.onMessage].flat()) {
    if (!kinds.object.is(hook))
      throw invalid(`onMessage is a hook { handle }, or a list of hooks, got ${shownValue(hook)}`);
    refuseUnknown(hook, { known: hookOptions, code, text: "A hook of onMessage has no option" });
  }
  const hookFault = validateHooks(hooksOf(options.onMessage));
  if (hookFault !== null) throw invalid(hookFault);
  const providerFault = validateProviders(options.push ?? []);
  if (providerFault !== null) throw invalid(providerFault);
  if (!["one", "several", undefined].includes(options.accountsPerDevice))
    throw invalid(`accountsPerDevice is "one" or "several", got ${shownValue(options.accountsPerDevice)}`);
}

function checkDatabase(database: DatabaseOptions): void {
  if (!kinds.object.is(database) || typeof database.url !== "string")
    throw invalid("createChat needs database: { url }, or a function that names one for a tenant");
  refuseUnknown(database, { known: databaseOptions, code, text: "database has no option" });
  if (database.open === undefined) requireUrl(database.url);
}

const invalid = (text: string): ChatError => new ChatError(code, text);
