import { createHmac } from "node:crypto";

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A signed token (JWT, HS256) of a user, as servers with a shared secret take it. */
export function signToken(
  secret: string,
  { user, seconds, tenant }: { readonly user: string; readonly seconds: number; readonly tenant?: string },
): string {
  const exp = Math.floor(Date.now() / 1_000) + seconds;
  const claims = { sub: user, exp, ...(tenant !== undefined && { tenant }) };
  const signed = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
