import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { clientFrames } from "../src/protocol/client-schema.ts";
import { serverFrames } from "../src/protocol/server-schema.ts";

export type Json = Record<string, unknown>;

/** Actions that are code: JSON Schema cannot express them without a description beside them. */
const isCode = ({ type }: { readonly type: string }): boolean =>
  ["check", "raw_check", "transform", "raw_transform"].includes(type);

const saysIt = ({ type }: { readonly type: string }): boolean => ["metadata", "description", "regex"].includes(type);

/**
 * The JSON Schema (2020-12) of a valibot schema's input, before its transforms.
 *
 * @param named Schemas that others refer to by their names; they must be at `#/components/schemas`.
 * @throws Error if JSON Schema cannot express it: a pipe with code in it needs a `v.metadata`, `v.description` or `v.regex`.
 */
export function schemaOf(schema: v.GenericSchema, named: Readonly<Record<string, v.GenericSchema>> = {}): Json {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    definitions: named,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const pipe = "pipe" in valibotSchema ? (valibotSchema.pipe as readonly { readonly type: string }[]) : [];
      if (pipe.some(isCode) && !pipe.some(saysIt))
        throw new Error(`A ${valibotSchema.type} is checked by code, and nothing says how`);
      return jsonSchema;
    },
    overrideAction: ({ valibotAction, jsonSchema }) => (isCode(valibotAction) ? jsonSchema : undefined),
  }) as Json;
  return rest;
}

/** All frames as JSON Schema: `#/$defs/client` has the frames that a client may send, `#/$defs/server` those that a server sends. */
export function frameSchema(): Json {
  const defs = (prefix: string, frames: Readonly<Record<string, v.GenericSchema>>) =>
    Object.entries(frames).map(([type, schema]) => [`${prefix}.${type}`, schemaOf(schema)] as const);
  const client = defs("client", clientFrames);
  const server = defs("server", serverFrames);
  const anyOf = (list: typeof client): Json => ({ anyOf: list.map(([name]) => ({ $ref: `#/$defs/${name}` })) });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:tidings:frames:1",
    title: "Frames of Tidings, protocol version 1",
    $defs: { client: anyOf(client), server: anyOf(server), ...Object.fromEntries([...client, ...server]) },
  };
}
