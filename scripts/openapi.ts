import * as v from "valibot";
import packageJson from "../package.json" with { type: "json" };
import { type ErrorCode, errorCodes } from "../src/error.ts";
import { routes } from "../src/http/api.ts";
import type { RouteMeta } from "../src/http/call.ts";
import { defaultLimits } from "../src/protocol/limits.ts";
import { conversationId, cursor, identifier, inviteToken, messageId } from "../src/protocol/schema.ts";
import { message, problemBody } from "../src/protocol/server-schema.ts";
import { type Json, schemaOf } from "./json-schema.ts";

/** Schemas that many answers contain, by a name that generated clients use too. */
const named = { Message: message };

/** The parameters in a route's path, by their names there. */
const inPath: Readonly<Record<string, v.GenericSchema>> = {
  id: conversationId,
  user: identifier,
  device: identifier,
  invite: v.pipe(messageId, v.description("The id of an invitation")),
  token: inviteToken,
};

/** Codes that any route may answer to any request. */
const everywhere: readonly ErrorCode[] = ["unauthenticated", "forbidden", "rate_limited", "internal", "unavailable"];

const header = (description: string, schema: Json): Json => ({ description, required: true, schema });
const retryAfter = {
  "Retry-After": header("Seconds to wait before the same is asked again", { type: "integer", minimum: 1 }),
};
const headersOf: Readonly<Record<number, Json>> = {
  401: { "WWW-Authenticate": header("The challenge", { type: "string" }) },
  426: { Upgrade: header("The protocol of this address", { const: "websocket" }) },
  429: retryAfter,
  503: retryAfter,
};

function refusals(codes: readonly ErrorCode[]): Json {
  const byStatus = Object.groupBy([...codes, ...everywhere], (code) => errorCodes[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, list]) => [
      status,
      {
        description: list.map((code) => `\`${code}\`: ${errorCodes[code].meaning}`).join("; "),
        ...(headersOf[Number(status)] && { headers: headersOf[Number(status)] }),
        content: {
          "application/problem+json": {
            schema: {
              allOf: [
                { $ref: "#/components/schemas/Problem" },
                { type: "object", properties: { status: { const: Number(status) }, code: { enum: list } } },
              ],
            },
          },
        },
      },
    ]),
  );
}

const parameter = (place: "path" | "query", name: string, { description, ...schema }: Json): Json => ({
  ...{ name, in: place, required: place === "path" },
  ...(description !== undefined && { description }),
  schema,
});

const queryOf = (meta: RouteMeta): Json[] => {
  const { properties = {} } = meta.parameters ? schemaOf(meta.parameters(defaultLimits)) : {};
  return Object.entries(properties as Record<string, Json>).map(([name, schema]) => parameter("query", name, schema));
};

const success: Readonly<Record<number, string>> = {
  200: "The answer",
  201: "Created",
  204: "Done; the change is on disk",
};

const answerOf = (description: string, schema: v.GenericSchema | null): Json => ({
  description,
  ...(schema && { content: { "application/json": { schema: schemaOf(schema, named) } } }),
});

/** `GET /contacts/{user}` is `getContactsUser`: what generated clients call it. */
const operationIdOf = (method: string, path: string): string =>
  method.toLowerCase() + path.replace(/\W+(\w?)/g, (_, first: string) => first.toUpperCase());

function operationOf(method: string, path: string, meta: RouteMeta): Json {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const parameters = [
    ...names.map((name) => {
      const schema = inPath[name];
      if (!schema) throw new Error(`Nothing says what ${name} is like in ${path}`);
      return parameter("path", name, schemaOf(schema));
    }),
    ...queryOf(meta),
  ];
  const answers = Object.entries(meta.answers).map(([status, schema]) => [
    status,
    answerOf(success[Number(status)] ?? "The answer", schema),
  ]);
  return {
    operationId: operationIdOf(method, path),
    summary: meta.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(meta.body && {
      requestBody: {
        required: !meta.isBodyOptional,
        content: { "application/json": { schema: schemaOf(meta.body(defaultLimits)) } },
      },
    }),
    responses: { ...Object.fromEntries(answers), ...refusals(meta.codes) },
  };
}

const upgrade: Json = {
  operationId: "getWs",
  summary: "The WebSocket; frames.schema.json has its frames",
  parameters: [
    parameter("query", "device", schemaOf(identifier)),
    parameter("query", "cursor", schemaOf(cursor)),
    parameter("query", "ticket", { type: "string", description: "Proves the user once; from POST /tickets" }),
  ],
  responses: {
    101: { description: "The socket is open; `welcome` comes first" },
    ...refusals(["bad_request", "upgrade_required", "too_many_connections"]),
  },
};

const troubles = ["starting", "stopping", "commits", "reads", "file", "level", "damaged"] as const;

const health = (path: string, summary: string, answers: Readonly<Record<number, string>>): Json => ({
  operationId: operationIdOf("get", path),
  summary: `${summary}; the standalone server alone has it`,
  security: [],
  responses: Object.fromEntries(
    Object.entries(answers).map(([status, word]) => [
      status,
      answerOf(
        success[Number(status)] ?? "Not now",
        word === "unavailable"
          ? v.strictObject({ status: v.literal(word), trouble: v.picklist(troubles) })
          : v.strictObject({ status: v.literal(word) }),
      ),
    ]),
  ),
});

/** The HTTP API as OpenAPI 3.1, out of the routes' own schemas. */
export function openApi(): Json {
  const paths = Object.entries(routes).map(([route, methods]) => {
    const path = route.replace(/:(\w+)/g, "{$1}");
    const operations = Object.entries(methods).map(([method, { meta }]) => [
      method.toLowerCase(),
      operationOf(method, path, meta),
    ]);
    return [path, Object.fromEntries(operations) as Json];
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "Tidings",
      version: packageJson.version,
      description:
        "All paths are below where the chat is mounted, and bounds are those of the default limits. The host's own authentication names the user. Another path is answered 404 `not_found`, another method 405 `method_not_allowed`.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "Where the chat is mounted" }],
    security: [{ bearer: [] }, { cookie: [] }, { demo: [] }],
    paths: {
      "/ws": { get: upgrade },
      ...Object.fromEntries(paths),
      "/healthz": { get: health("/healthz", "The process lives", { 200: "ok" }) },
      "/readyz": { get: health("/readyz", "The database takes commits", { 200: "ready", 503: "unavailable" }) },
    },
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token that the host's `authenticate` accepts" },
        cookie: {
          type: "apiKey",
          in: "cookie",
          name: "session",
          description: "The host's own, by the host's own name",
        },
        demo: {
          type: "apiKey",
          in: "query",
          name: "user",
          description: "With `AUTH=demo`: the name of the user, without a proof",
        },
      },
      schemas: { Message: schemaOf(message), Problem: schemaOf(problemBody) },
    },
  };
}
