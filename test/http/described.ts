/** Holds real answers against docs/openapi.json, with a validator that knows nothing of the server. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ValidateFunction } from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
export type Parameter = { readonly name: string; readonly in: "path" | "query"; readonly schema: Schema };
type Answer = {
  readonly content?: Content;
  readonly headers?: Readonly<Record<string, { readonly schema: Schema }>>;
};
export type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
};
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

const root = join(import.meta.dir, "../..");
export const readJson = <Kind>(name: string): Kind => JSON.parse(readFileSync(join(root, name), "utf8")) as Kind;

export const document = readJson<Document & object>("docs/openapi.json");

/** Every operation with its method and path: `GET /messages`. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

export const createAjv = (): Ajv2020 => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  // Its types are those of a module of the other kind.
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  return ajv;
};

const ajv = createAjv();
ajv.addSchema({ ...document, $id: "urn:tidings:openapi" });
const escaped = (part: string): string => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

/** What checks a part of the document, found by the names on the way to it. */
export function validatorAt(...names: readonly string[]): ValidateFunction {
  const found = ajv.getSchema(`urn:tidings:openapi#/${names.map(escaped).join("/")}`);
  if (!found) throw new Error(`There is no schema at ${names.join(" / ")}`);
  return found;
}

export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
};

/** The faults of an answer, by the document; an empty list: none. */
export function faultsOf(method: string, path: string, { status, headers, body }: Answered): unknown[] {
  const place = ["paths", path, method.toLowerCase(), "responses", String(status)];
  const response = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
  if (!response) return [`${method} ${path} may not answer ${status}`];
  const faults: unknown[] = [];
  for (const [name, { schema }] of Object.entries(response.headers ?? {})) {
    const text = headers.get(name);
    const check = validatorAt(...place, "headers", name, "schema");
    if (text === null || !check(schema["type"] === "integer" ? Number(text) : text))
      faults.push(`${name} is ${text} at ${status}`);
  }
  const type = (headers.get("content-type") ?? "").split(";", 1)[0] ?? "";
  if (!response.content) return body === null ? faults : [...faults, `There is no body at ${status}`];
  if (!response.content[type]) return [...faults, `${method} ${path} may not answer ${status} as ${type}`];
  const check = validatorAt(...place, "content", type, "schema");
  return check(body) ? faults : [...faults, ...(check.errors ?? [])];
}

export type AskOptions = {
  /** The path as the document has it; default: the address without its query. */
  readonly as?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Asks a server as a user, and fails where the answer is not as in the document. Notes the answers in `seen`. */
export const createAsker =
  (port: number, seen: Set<string>) =>
  async (user: string, method: string, address: string, options: AskOptions = {}): Promise<Answered> => {
    const { as: path = address.replace(/\?.*/, ""), body, headers } = options;
    const url = `http://127.0.0.1:${port}${address}${address.includes("?") ? "&" : "?"}user=${user}`;
    const response = await fetch(url, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answered = {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : (JSON.parse(text) as unknown),
    };
    const what = `${method} ${address} ${response.status}`;
    expect([what, faultsOf(method, path, answered)]).toEqual([what, []]);
    seen.add(`${method} ${path} ${response.status}`);
    return answered;
  };
