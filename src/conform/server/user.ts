import { ensure } from "../check.ts";
import { type Upgraded, upgrade } from "../wire/upgrade.ts";
import { type Connection, createConnection } from "./connection.ts";

/** What proves a user to the server. */
export type Credentials = {
  readonly user: string;
  /** Sent with each request: a cookie, `Authorization`, or the host's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to each URL. */
  readonly parameters?: Readonly<Record<string, string>>;
};

export type Query = Readonly<Record<string, string | number>>;

/** The answer to a request. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, if it is JSON. */
  readonly body: Body;
};

/** A body, with the fields that the kit reads. */
export type Body = Readonly<Record<string, unknown>> | null;

export type Asked = {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A user of the server, with any number of devices. */
export interface User {
  readonly name: string;
  /** Opens a socket. */
  connect(query?: Query): Promise<Connection>;
  /** Asks for a socket, and resolves with a refusal too. */
  upgrade(query?: Query | string, headers?: Readonly<Record<string, string>>): Promise<Upgraded>;
  /** `path` begins with a slash, below where the chat is mounted. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>;
  /** The same for one that must be answered with `status`. */
  askFor(status: number, call: { readonly method?: string; readonly path: string } & Asked): Promise<Answer>;
}

export type UserOptions = {
  /** Where the chat is mounted. */
  readonly url: string;
  readonly credentials: Credentials;
  readonly onConnection: (connection: Connection) => void;
  /** How long an answer may take. */
  readonly answerMs?: number;
};

const answerMsDefault = 15_000;
/** A request may wait for changes. */
const requestMs = 60_000;

export function createUser({ url, credentials, onConnection, answerMs = answerMsDefault }: UserOptions): User {
  const base = url.replace(/\/$/, "");
  const { user: name, headers: own = {}, parameters = {} } = credentials;

  function urlOf(path: string, query: Query | string): URL {
    const target = new URL(base + path);
    if (typeof query === "string") target.search = query;
    else for (const [key, value] of Object.entries(query)) target.searchParams.append(key, String(value));
    for (const [key, value] of Object.entries(parameters)) target.searchParams.append(key, value);
    return target;
  }

  const user: User = {
    name,
    upgrade: (query = {}, headers = {}) => upgrade(urlOf("/ws", query), { ...own, ...headers }),
    async connect(query = {}) {
      const upgraded = await user.upgrade(query);
      ensure(upgraded.status === 101, `${name} got no socket, but ${upgraded.status} ${upgraded.body.slice(0, 200)}`);
      const connection = await createConnection(upgraded, { name, answerMs });
      onConnection(connection);
      return connection;
    },
    async ask(method, path, { query = {}, body, headers = {} } = {}) {
      const hasBody = body !== undefined;
      const response = await fetch(urlOf(path, query), {
        ...{ method, redirect: "manual", signal: AbortSignal.timeout(requestMs) },
        headers: { ...own, ...(hasBody && { "content-type": "application/json" }), ...headers },
        ...(hasBody && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: readBody(text) };
    },
    async askFor(status, { method = "GET", path, ...asked }) {
      const answer = await user.ask(method, path, asked);
      ensure(answer.status === status, `${method} ${path} was answered ${answer.status} ${answer.text.slice(0, 200)}`);
      return answer;
    },
  };
  return user;
}

function readBody(text: string): Body {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Body) : null;
  } catch {
    return null;
  }
}

/** A list in a body. @throws Failure: the body has none of this name. */
export function rowsOf<Row = unknown>(body: Body, name: string): readonly Row[] {
  const rows = body?.[name];
  ensure(Array.isArray(rows), `the answer has no list ${name}`);
  return rows as readonly Row[];
}
