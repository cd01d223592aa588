import * as v from "valibot";
import { ChatError } from "../error.ts";
import { queryOf } from "../internal/query-string.ts";
import { nameOf } from "./body.ts";

/** These say who asks: they are the business of authentication alone. */
const asker = ["user", "tenant", "ticket"];

/**
 * Reads the parameters of an address that fit a strict schema, each as its text. A `+` stays a `+` (RFC 3986): it begins phone
 * numbers.
 *
 * @throws ChatError `bad_request`: a parameter that is doubled, cannot be decoded, is unknown, or malformed. The text names it.
 */
export function readParameters<const Schema extends v.GenericSchema>(
  url: string,
  schema: Schema,
): v.InferOutput<Schema> {
  const found = new Map<string, string>();
  for (const [name, value] of queryOf(url)) {
    if (name !== null && asker.includes(name)) continue;
    if (name === null || value === null) throw new ChatError("bad_request", `A parameter cannot be decoded`);
    if (found.has(name)) throw new ChatError("bad_request", `A parameter is doubled${nameOf(name)}`);
    found.set(name, value);
  }
  return fitParameters(Object.fromEntries(found), schema);
}

/**
 * Parameters, each as its text, that fit a strict schema.
 *
 * @throws ChatError `bad_request`: one that is unknown or malformed. The text names it.
 */
export function fitParameters<const Schema extends v.GenericSchema>(
  texts: Readonly<Record<string, string>>,
  schema: Schema,
): v.InferOutput<Schema> {
  // Without a prototype, so that no name is anything but a name.
  const parameters: object = Object.assign(Object.create(null) as object, texts);
  const parsed = v.safeParse(schema, parameters, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new ChatError("bad_request", `A parameter is malformed or unknown${nameOf(v.getDotPath(parsed.issues[0]))}`);
}

/** A whole number without sign or leading zeros, from `least` to `most`; the documents tell it as a number. */
export const wholeNumber = (least: number, most: number, description?: string) =>
  v.pipe(
    v.string(),
    v.regex(/^(0|[1-9][0-9]{0,15})$/),
    v.metadata({
      ...{ type: "integer", minimum: least, maximum: most, pattern: undefined },
      ...(description !== undefined && { description }),
    }),
    v.transform(Number),
    v.safeInteger(),
    v.minValue(least),
    v.maxValue(most),
  );
