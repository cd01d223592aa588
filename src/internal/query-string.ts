/**
 * The parameters of an address in their order, as names and values; null where one cannot be decoded.
 *
 * A `+` stays a `+` (RFC 3986; only HTML forms make it a space): phone numbers begin with it, and no parameter of ours holds a space.
 *
 * @example
 * queryOf("http://host/ws?user=+249912345678") // [["user", "+249912345678"]]
 */
export function queryOf(url: string): readonly (readonly [string | null, string | null])[] {
  const query = (url.split("#", 1)[0] ?? "").split("?").slice(1).join("?");
  return query
    .split("&")
    .filter(Boolean)
    .map((pair) => {
      const [name = "", ...value] = pair.split("=");
      return [decode(name), decode(value.join("="))] as const;
    });
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * One parameter of an address: undefined where it is absent, null where it is doubled or cannot be decoded.
 *
 * @example
 * readParameter("http://host/ws?user=+249912345678", "user") // "+249912345678"
 */
export function readParameter(url: string, name: string): string | null | undefined {
  return valueOf(queryOf(url), name);
}

/** Several parameters of an address, each as `readParameter` reads it. */
export function readParameters(url: string, names: readonly string[]): readonly (string | null | undefined)[] {
  const query = queryOf(url);
  return names.map((name) => valueOf(query, name));
}

function valueOf(query: ReturnType<typeof queryOf>, name: string): string | null | undefined {
  const values = query.flatMap(([each, value]) => (each === name ? [value] : []));
  return values.length > 1 ? null : values[0];
}
