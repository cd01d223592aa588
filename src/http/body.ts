import * as v from "valibot";
import { ChatError } from "../error.ts";
import type { Call } from "./call.ts";
import { shapeFault } from "../protocol/shape-fault.ts";

const jsonType = /^application\/json *(;|$)/i;

/**
 * Reads a request's body, of at most `frameBytesMax` bytes, as JSON that fits a schema. Bytes are counted as they arrive: the header of the
 * length is not trusted, and no more is kept.
 *
 * @param options.isOptional No body at all is an empty object.
 * @throws ChatError `bad_request`: another type than JSON, no JSON, another shape; `too_large`.
 */
export async function readBody<const Schema extends v.GenericSchema>(
  { request, limits }: Pick<Call, "request" | "limits">,
  schema: Schema,
  { isOptional = false }: { readonly isOptional?: boolean } = {},
): Promise<v.InferOutput<Schema>> {
  // No form of a foreign page can send this type without asking first (a preflight).
  if (!jsonType.test(request.headers.get("content-type") ?? ""))
    throw new ChatError("bad_request", "The header Content-Type must be application/json");
  const text = await readText(request, limits.frameBytesMax);
  let value: unknown;
  try {
    value = JSON.parse(isOptional && text === "" ? "{}" : text);
  } catch {
    throw new ChatError("bad_request", "The body is not JSON");
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new ChatError("bad_request", `The body is malformed${shapeFault(parsed.issues[0])}`);
}

async function readText({ body }: Request, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let bytes = 0;
  if (body === null) return text;
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > bytesMax) throw new ChatError("too_large", `The body is over ${bytesMax} bytes`);
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    // The rest is not read.
    reader.cancel().catch(() => {});
    if (error instanceof ChatError) throw error;
    throw new ChatError("bad_request", "The body is not UTF-8, or broke off", { cause: error });
  }
}
