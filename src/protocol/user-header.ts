/** In every answer to an authenticated request: whose data it has. In a request: as whom it is to be done (section 5). */
export const userHeader = "Tidings-User";

type Person = { readonly tenant: string; readonly user: string };

/**
 * The tenant and the user as this header names them, each percent-encoded.
 *
 * @example
 * userHeaderOf({ tenant: "default", user: "+249912345678" }); // "default/%2B249912345678"
 */
export const userHeaderOf = ({ tenant, user }: Person): string =>
  `${encodeURIComponent(tenant)}/${encodeURIComponent(user)}`;

/** Whether a request's header names this user. Others may encode more characters, or in small letters. */
export function isNamedBy(header: string, person: Person): boolean {
  try {
    const [tenant, user, ...more] = header.split("/").map(decodeURIComponent);
    return tenant === person.tenant && user === person.user && more.length === 0;
  } catch {
    return false;
  }
}
