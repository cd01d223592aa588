import * as v from "valibot";
import { ChatError } from "../error.ts";
import { queryOf } from "../internal/query-string.ts";
import { atName } from "../protocol/shape-fault.ts";

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
    if (found.has(name)) throw new ChatError("bad_request", `A parameter is doubled${atName(name)}`);
    found.set(name, value);
  }
  return fitParameters(Object.fromEntries(found), schema);
}

function fitParameters<const Schema extends v.GenericSchema>(
  texts: Readonly<Record<string, string>>,
  schema: Schema,
): v.InferOutput<Schema> {
  // Without a prototype, so that `__proto__` is a name like others.
  const parameters: object = Object.assign(Object.create(null) as object, texts);
  const parsed = v.safeParse(schema, parameters, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new ChatError("bad_request", `A parameter is malformed or unknown${atName(v.getDotPath(parsed.issues[0]))}`);
}

/** The type of a field of the host's own object. */
export type FieldKind = "text" | "number" | "texts";

type Fields<Schema> = { readonly kinds: Readonly<Record<string, FieldKind>>; readonly schema: Schema };

/**
 * Reads the fields of a host's object, each as the text that it would be in an address, so that one schema checks both. The host may be plain
 * JavaScript: a field of another type than in the table is refused.
 *
 * @throws ChatError `bad_request`: a field that is malformed or of another type. The text names it.
 */
export function readFields<const Schema extends v.GenericSchema>(
  given: object,
  { kinds, schema }: Fields<Schema>,
): v.InferOutput<Schema> {
  const texts: Record<string, string> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined) continue;
    const text = textOf(value, kind);
    if (text === null) throw new ChatError("bad_request", `The field ${name} must be ${nouns[kind]}`);
    texts[name] = text;
  }
  return fitParameters(texts, schema);
}

const nouns = { text: "a string", number: "a number", texts: "an array of strings" } as const;

function textOf(value: unknown, kind: FieldKind): string | null {
  if (kind === "number") return typeof value === "number" ? String(value) : null;
  if (kind === "text") return typeof value === "string" ? value : null;
  return Array.isArray(value) && value.every((each) => typeof each === "string") ? value.join(",") : null;
}

/** A whole number in a range, without sign or leading zeros; a number in the documents. */
export const wholeNumber = ([min, max]: readonly [min: number, max: number], description?: string) =>
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
