import { createHash, randomBytes } from "node:crypto";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { Failure } from "../case.ts";

/** The answer to an upgrade. */
export type Upgraded = {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of a refusal. */
  readonly body: string;
  /** With status 101: the connection, and bytes that came with the answer. */
  readonly stream: Duplex;
  readonly head: Buffer;
};

const answerMs = 15_000;
const separator = "\r\n\r\n";

/** Asks for a WebSocket, with any headers. Resolves with a refusal as well. @throws Failure: no answer came. */
export async function upgrade(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<Upgraded> {
  const isSecure = url.protocol === "https:" || url.protocol === "wss:";
  const port = Number(url.port || (isSecure ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const stream = isSecure ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
  const key = randomBytes(16).toString("base64");
  const all = {
    Host: url.host,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  stream.write([`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  try {
    const { text, rest } = await readHead(stream);
    const [first = "", ...fields] = text.split("\r\n");
    const found = new Map(
      fields.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const status = Number(first.split(" ")[1]);
    if (status !== 101) {
      const body = await readBody(stream, { rest, length: Number(found.get("content-length") ?? 0) });
      stream.destroy();
      return { status, headers: found, body, stream, head: Buffer.alloc(0) };
    }
    if (found.get("sec-websocket-accept") !== acceptOf(key))
      throw new Failure("the upgrade was answered with a wrong Sec-WebSocket-Accept");
    return { status, headers: found, body: "", stream, head: rest };
  } catch (fault) {
    stream.destroy();
    throw fault;
  }
}

/** The answer that RFC 6455 wants for a key. */
export const acceptOf = (key: string): string =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

async function readHead(stream: Duplex): Promise<{ readonly text: string; readonly rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  await readUntil(stream, (part) => {
    bytes = Buffer.concat([bytes, part]);
    return bytes.includes(separator);
  });
  const end = bytes.indexOf(separator);
  return { text: bytes.subarray(0, end).toString(), rest: Buffer.from(bytes.subarray(end + separator.length)) };
}

async function readBody(stream: Duplex, { rest, length }: { rest: Buffer; length: number }): Promise<string> {
  let bytes = rest;
  if (bytes.length < length)
    await readUntil(stream, (part) => {
      bytes = Buffer.concat([bytes, part]);
      return bytes.length >= length;
    });
  return bytes.toString();
}

/** Reads until `take` has enough, and leaves the stream for others. */
async function readUntil(stream: Duplex, take: (part: Buffer) => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const end = (fault?: Failure): void => {
      clearTimeout(timer);
      stream.off("data", onData).off("close", onEnd).off("error", onError);
      stream.pause();
      if (fault === undefined) resolve();
      else reject(fault);
    };
    const onData = (part: Buffer): void => void (take(part) && end());
    const onEnd = (): void => end(new Failure("the connection ended before the upgrade was answered"));
    const onError = (cause: Error): void => end(new Failure(`no connection: ${cause.message}`, cause));
    const timer = setTimeout(() => end(new Failure(`no answer to the upgrade within ${answerMs} ms`)), answerMs);
    stream.on("data", onData).on("close", onEnd).on("error", onError);
  });
}
