import { ChatError } from "../error.ts";

/** The type of a field of the host's own object. */
export type FieldKind = "text" | "number" | "texts";

/**
 * The fields of a host's object, each as the text that it would be in an address, so that one schema checks both. The host may be plain
 * JavaScript: a field of another type than in the table is refused.
 *
 * @throws ChatError `bad_request`: the text names the field.
 */
export function textsOfFields(
  given: object,
  kinds: Readonly<Record<string, FieldKind>>,
): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined) continue;
    const text = textOf(value, kind);
    if (text === null) throw new ChatError("bad_request", `The field ${name} must be ${nouns[kind]}`);
    texts[name] = text;
  }
  return texts;
}

const nouns = { text: "a string", number: "a number", texts: "an array of strings" } as const;

function textOf(value: unknown, kind: FieldKind): string | null {
  if (kind === "number") return typeof value === "number" ? String(value) : null;
  if (kind === "text") return typeof value === "string" ? value : null;
  return Array.isArray(value) && value.every((each) => typeof each === "string") ? value.join(",") : null;
}
