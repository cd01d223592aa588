/** In every answer to an authenticated request: whose data it has (section 5). */
export const userHeader = "Tidings-User";

/**
 * The tenant and the user as this header names them, each percent-encoded.
 *
 * @example
 * userHeaderOf({ tenant: "default", user: "+249912345678" }); // "default/%2B249912345678"
 */
export const userHeaderOf = ({ tenant, user }: { readonly tenant: string; readonly user: string }): string =>
  `${encodeURIComponent(tenant)}/${encodeURIComponent(user)}`;
