import { hex } from "./hex.ts";

/** The SHA-256 of a text's UTF-8, in hex. */
export async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
