export const identifierForm = /^[A-Za-z0-9+\-_.@:~]{1,128}$/;
const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
export const messageIdForm = new RegExp(`^${uuid}$`);

/** Tenant, user or device ids with commas between them: at least one, at most so many. */
export const identifiersForm = (most: number): RegExp => {
  const one = identifierForm.source.slice(1, -1);
  return new RegExp(`^${one}(,${one}){0,${most - 1}}$`);
};

/** Message ids with commas between them: at least one, at most so many. */
export const messageIdsForm = (most: number): RegExp => new RegExp(`^${uuid}(,${uuid}){0,${most - 1}}$`);

/**
 * Is this a tenant, user or device id: 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~` (PROTOCOL 1)?
 *
 * All of them are single bytes that no encoding, case mapping or normalisation changes, so ids compare byte by byte.
 *
 * @example
 * isIdentifier("+249912345678") // true
 * isIdentifier("zoë")           // false
 */
export const isIdentifier = (value: unknown): value is string =>
  typeof value === "string" && identifierForm.test(value);

/**
 * Is this a message id: a UUID in its canonical lower-case form (RFC 9562 section 4), of any version?
 *
 * @example
 * isMessageId("01900000-0000-7000-8000-000000000001") // true
 * isMessageId("01900000-0000-7000-8000-00000000000A") // false: upper case
 */
export const isMessageId = (value: unknown): value is string => typeof value === "string" && messageIdForm.test(value);
