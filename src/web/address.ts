import type { Target } from "../client/index.ts";
import { validateName } from "./validate-name.ts";

/** The parameters in an address of the page. */
export type Parameters = {
  readonly user?: string | undefined;
  readonly tenant?: string | undefined;
  /** The other user of the open thread. */
  readonly to?: string | undefined;
  /** The open thread, by its conversation. */
  readonly conversation?: string | undefined;
  /** A message of it. */
  readonly seq?: string | undefined;
};

/** What the address says beside who the user is. */
export type Route = { readonly target: Target | null; readonly seq: number | null };

/**
 * Reads a parameter of the page's address; undefined where it is absent, empty or not decodable.
 *
 * A `+` stays a `+`: it begins phone numbers, and no parameter of the page has a space.
 */
export function parameter(name: keyof Parameters, search: string = location.search): string | undefined {
  const pairs = search.slice(1).split("&");
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  try {
    return decodeURIComponent(value ?? "") || undefined;
  } catch {
    return undefined;
  }
}

/** The page's own address with these parameters; `+`, `@` and `:` stay readable. */
export function pageHref(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encodeURIComponent(value).replace(/%(2B|40|3A)/g, decodeURIComponent)}`,
  );
  return pairs.length === 0 ? "/" : `/?${pairs.join("&")}`;
}

/** What `search` asks to show. */
export function routeOf(search: string): Route {
  const [to, conversation] = [parameter("to", search), parameter("conversation", search)];
  const seq = Number(parameter("seq", search) ?? Number.NaN);
  const isName = to !== undefined && validateName(to) === "";
  const target = isName ? { with: to } : conversation === undefined ? null : { conversation };
  return { target, seq: Number.isSafeInteger(seq) && seq > 0 ? seq : null };
}
