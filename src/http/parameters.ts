import * as v from "valibot";
import { ChatError } from "../error.ts";
import { queryOf } from "../internal/query-string.ts";
import { nameOf } from "./body.ts";

/** They identify the asker: only authentication reads them. */
const asker = ["user", "tenant", "ticket"];

/**
 * Reads the parameters of an address, which must fit a strict schema, each as its text.
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
  // Without a prototype, so that `__proto__` is a name like others.
  const parameters: object = Object.assign(Object.create(null) as object, texts);
  const parsed = v.safeParse(schema, parameters, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new ChatError("bad_request", `A parameter is malformed or unknown${nameOf(v.getDotPath(parsed.issues[0]))}`);
}

type WholeNumber = { readonly min: number; readonly max: number; readonly description?: string };

/** A whole number without sign or leading zeros; a number in the documents. */
export const wholeNumber = ({ min, max, description }: WholeNumber) =>
  v.pipe(
    v.string(),
    v.regex(/^(0|[1-9][0-9]{0,15})$/),
    v.metadata({
      ...{ type: "integer", minimum: min, maximum: max, pattern: undefined },
      ...(description !== undefined && { description }),
    }),
    v.transform(Number),
    v.safeInteger(),
    v.minValue(min),
    v.maxValue(max),
  );
