import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import packageJson from "../package.json" with { type: "json" };
import { type ErrorCode, errorCodes } from "../src/error.ts";
import { routes } from "../src/http/api.ts";
import type { About } from "../src/http/call.ts";
import { clientFrames } from "../src/protocol/decode.ts";
import { defaultLimits } from "../src/protocol/limits.ts";
import { problemBody, serverFrames } from "../src/protocol/server-schema.ts";

type Json = Record<string, unknown>;

const draft = "https://json-schema.org/draft/2020-12/schema";

/** The JSON Schema of what fits a valibot schema before anything is transformed. */
function schemaOf(schema: v.GenericSchema): Json {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    errorMode: "ignore",
    overrideAction: ({ valibotAction, jsonSchema }) =>
      // The one check of objects that there is: a target is named in one of two ways.
      valibotAction.type === "check" && jsonSchema.type === "object"
        ? { ...jsonSchema, oneOf: [{ required: ["to"] }, { required: ["conversation"] }] }
        : undefined,
  }) as Json;
  return rest;
}

/** Codes that any route may answer, whoever asks what. */
const everywhere: readonly ErrorCode[] = ["unauthenticated", "forbidden", "rate_limited", "internal", "unavailable"];

function refusals(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...codes, ...everywhere]) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, list]) => [
        String(status),
        {
          description: list.map((code) => `\`${code}\`: ${errorCodes[code].meaning}`).join("; "),
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      ]),
  );
}

/** Parameters of an address are texts: what they must be like stands in their schema, a whole number with its bounds. */
function parametersOf(about: About): Json[] {
  if (!about.parameters) return [];
  const { properties = {} } = schemaOf(about.parameters(defaultLimits)) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, property]) => {
    const { description, minimum, maximum, ...schema } = property;
    const isNumber = minimum !== undefined || maximum !== undefined;
    return {
      name,
      in: "query",
      ...(description !== undefined && { description }),
      schema: isNumber ? { type: "integer", minimum, maximum } : schema,
    };
  });
}

const success: Readonly<Record<number, string>> = {
  200: "The answer",
  201: "It is made",
  204: "It is so, and on disk",
};

function operationOf(path: string, about: About): Json {
  const inPath = path.includes(":id")
    ? [
        {
          name: path.startsWith("/conversations") ? "id" : "user",
          in: "path",
          required: true,
          schema: { type: "string" },
        },
      ]
    : [];
  const parameters = [...inPath, ...parametersOf(about)];
  const answers = Object.entries(about.answers).map(([status, schema]) => [
    status,
    {
      description: success[Number(status)] ?? "The answer",
      ...(schema && { content: { "application/json": { schema: schemaOf(schema) } } }),
    },
  ]);
  return {
    summary: about.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(about.body && {
      requestBody: {
        required: !about.isBodyOptional,
        content: { "application/json": { schema: schemaOf(about.body(defaultLimits)) } },
      },
    }),
    responses: { ...Object.fromEntries(answers), ...refusals(about.codes) },
  };
}

const upgrade: Json = {
  summary: "The WebSocket: what frames there are stands in frames.schema.json",
  parameters: ["device", "cursor", "ticket"].map((name) => ({ name, in: "query", schema: { type: "string" } })),
  responses: {
    101: { description: "The socket is open; `welcome` comes first" },
    ...refusals(["bad_request", "upgrade_required", "too_many_connections"]),
  },
};

/** The HTTP API as OpenAPI 3.1, out of the routes' own schemas. */
export function openApi(): Json {
  const paths = Object.entries(routes).map(([path, methods]) => {
    const name = path.replace(":id", path.startsWith("/conversations") ? "{id}" : "{user}");
    const operations = Object.entries(methods).map(([method, { about }]) => [
      method.toLowerCase(),
      operationOf(path, about),
    ]);
    return [name, Object.fromEntries(operations) as Json];
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "Tidings",
      version: packageJson.version,
      description:
        "All paths are below where the chat is mounted. Who asks is for the host's own authentication to say.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "Where the chat is mounted" }],
    security: [{ bearer: [] }, { cookie: [] }],
    paths: { "/ws": { get: upgrade }, ...Object.fromEntries(paths) },
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "What the host's `authenticate` understands" },
        cookie: { type: "apiKey", in: "cookie", name: "session", description: "The host's own session" },
      },
      schemas: { Problem: schemaOf(problemBody) },
    },
  };
}

/** All frames as JSON Schema: `#/$defs/client` is what a client may send, `#/$defs/server` what a server sends. */
export function frameSchema(): Json {
  const defs = (prefix: string, frames: Readonly<Record<string, v.GenericSchema>>) =>
    Object.entries(frames).map(([type, schema]) => [`${prefix}.${type}`, schemaOf(schema)] as const);
  const client = defs("client", clientFrames);
  const server = defs("server", serverFrames);
  const anyOf = (list: typeof client): Json => ({ anyOf: list.map(([name]) => ({ $ref: `#/$defs/${name}` })) });
  return {
    $schema: draft,
    $id: "urn:tidings:frames:1",
    title: "Frames of Tidings, protocol version 1",
    $defs: { client: anyOf(client), server: anyOf(server), ...Object.fromEntries([...client, ...server]) },
  };
}
