import { ClientError } from "../api.ts";

/** A message as the server takes it: well-formed Unicode without NUL, not empty, within its limit. @throws ClientError */
export function checkText(text: string, bytesMax: number): void {
  if (text === "") throw new ClientError("empty_text", "A message needs a text");
  if (text.includes("\0") || halfPair.test(text))
    throw new ClientError("malformed_text", "A message holds a NUL or half of a surrogate pair");
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > bytesMax)
    throw new ClientError("too_large", `A message has at most ${bytesMax} bytes, this one has ${bytes}`);
}

/** Half of a surrogate pair: by code points, both halves of a pair are one. */
const halfPair = /[\uD800-\uDFFF]/u;
