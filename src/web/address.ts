import { identifierRule, isIdentifier } from "../protocol/identifier.ts";

/** The parameters in an address of the page or of its socket. */
export type Parameters = {
  readonly user?: string | undefined;
  readonly tenant?: string | undefined;
  readonly device?: string | undefined;
  readonly to?: string | undefined;
  readonly cursor?: string | undefined;
};

/**
 * Reads a parameter of the page's address; undefined where it is absent, empty or not decodable.
 *
 * A `+` stays a `+`: it begins phone numbers, and no parameter of the page has a space.
 */
export function parameter(name: keyof Parameters): string | undefined {
  const pairs = location.search.slice(1).split("&");
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  try {
    return decodeURIComponent(value ?? "") || undefined;
  } catch {
    return undefined;
  }
}

/** The page's own address with these parameters; `+`, `@` and `:` stay readable. */
export function pageHref(parameters: Parameters): string {
  return `/${queryOf(parameters)}`;
}

export function socketUrl(parameters: Parameters): string {
  return `${location.origin.replace(/^http/, "ws")}/ws${queryOf(parameters)}`;
}

/** The fault of a name, the user's own or the recipient's; empty: it is right. */
export function validateName(name: string, self = ""): string {
  if (name === self) return "One cannot write to oneself";
  return isIdentifier(name) ? "" : `A name is ${identifierRule}`;
}

function queryOf(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encodeURIComponent(value).replace(/%(2B|40|3A)/g, decodeURIComponent)}`,
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
