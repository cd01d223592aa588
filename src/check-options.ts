import type { ChatOptions, DatabaseOptions } from "./chat-options.ts";
import { ChatError } from "./error.ts";
import { validateHooks, hooksOf, type MessageHook } from "./hook/message-hook.ts";
import { shownValue } from "./internal/shown-value.ts";
import { defaultLimits, faultOfLimits } from "./protocol/limits.ts";
import { faultOfRates } from "./protocol/rates.ts";
import { validateProviders } from "./push/provider.ts";
import { requireUrl } from "./store/engine/open.ts";

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
 * Refuses options that no chat can be made with; many hosts are plain JavaScript, or run TypeScript without checking it.
 *
 * @throws ChatError `config_invalid`: an option that does not exist or has another type, a malformed database URL, limits or rates that do
 * not fit together.
 */
export function checkOptions(options: ChatOptions): void {
  if (!kinds.object.is(options)) throw invalid(`createChat needs its options as an object, got ${shownValue(options)}`);
  refuseUnknown("createChat has no option", options, Object.keys(chatOptions));
  if (typeof options.authenticate !== "function")
    throw invalid("createChat needs authenticate: it alone says who makes a request");
  for (const [name, kind] of Object.entries(chatOptions)) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined && !kinds[kind].is(value))
      throw invalid(`${name} must be ${kinds[kind].name}, got ${shownValue(value)}`);
  }
  if (typeof options.database !== "function") checkDatabase(options.database);
  refuseUnknown("There is no limit", options.limits ?? {}, Object.keys(defaultLimits));
  const limitsFault = faultOfLimits({ ...defaultLimits, ...options.limits });
  if (limitsFault !== null) throw invalid(`The limits do not fit together: ${limitsFault}`);
  const rateFault = faultOfRates(options.rates);
  if (rateFault !== null) throw invalid(`The rates cannot be kept: ${rateFault}`);
  for (const hook of options.onMessage === undefined ? [] : [options.onMessage].flat()) {
    if (!kinds.object.is(hook))
      throw invalid(`onMessage is a hook { handle }, or a list of hooks, got ${shownValue(hook)}`);
    refuseUnknown("A hook of onMessage has no option", hook, hookOptions);
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
  refuseUnknown("database has no option", database, databaseOptions);
  if (database.open === undefined) requireUrl(database.url);
}

const invalid = (text: string): ChatError => new ChatError("config_invalid", text);

/** Own names only: a hook may be an object of a class. */
function refuseUnknown(text: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const [nearest] = known
    .map((name) => ({ name, distance: distanceOf(name.toLowerCase(), unknown.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const isNear = nearest !== undefined && nearest.distance <= Math.max(2, unknown.length / 3);
  const hint = isNear ? `did you mean ${nearest.name}?` : `there are ${known.join(", ")}`;
  throw invalid(`${text} ${JSON.stringify(unknown.slice(0, 64))}: ${hint}`);
}

/** How many letters must be put in, taken out or replaced (Levenshtein); a beginning counts as one. */
function distanceOf(name: string, given: string): number {
  if (given.length > 2 && name.startsWith(given)) return 1;
  let row = Array.from({ length: name.length + 1 }, (_, i) => i);
  for (const [i, letter] of given.slice(0, 64).split("").entries()) {
    const next = [i + 1];
    for (let j = 0; j < name.length; j++)
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (name[j] === letter ? 0 : 1)));
    row = next;
  }
  return row[name.length] ?? 0;
}
