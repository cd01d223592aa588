import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { isIdentifier } from "../../../src/protocol/identifier.ts";
import { connectRaw, type RawClient } from "../../support/client.ts";
import type { RunningServer } from "../../support/server.ts";
import type { Issuer } from "./issuer.ts";
import { ownHost, trustedOrigin } from "./origins.ts";
import { knock } from "./target.ts";
import { deadline } from "../../support/deadline.ts";

/** The target of an attack: a server that trusts the issuer, and the other user on it. */
export type Scene = { readonly server: RunningServer; readonly issuer: Issuer };

type Attack = (scene: Scene, draw: <T>(arbitrary: fc.Arbitrary<T>) => T) => Promise<string | null>;

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** A text with a few characters added or removed. */
const nearly = (text: string, alphabet: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(text.length), fc.nat(3), fc.constantFrom(...alphabet), fc.constantFrom("", ...alphabet))
    .map(([at, cut, one, other]) => text.slice(0, at) + one + other + text.slice(at + cut));

/** An origin that is nearly a trusted one. */
const origin: Attack = async ({ server, issuer }, draw) => {
  const trusted = [trustedOrigin, `https://${ownHost}`, `http://${ownHost}`];
  const pieces = [
    ".",
    "-",
    ":",
    "@",
    "/",
    "?",
    "#",
    "%2e",
    "x",
    "A",
    "443",
    "evil.example",
    ".evil.example",
    "\u0430",
    " ",
  ];
  const tried = draw(fc.constantFrom(...trusted).chain((text) => nearly(text, pieces)));
  // A header's value has no blanks around it.
  if (trusted.includes(tried.trim())) return null;
  const { status } = await knock(server, { Host: ownHost, Origin: tried, ...bearer(issuer.good) });
  return status === 101 ? `the origin ${JSON.stringify(tried)} opened a socket` : null;
};

/** A token that is nearly a good one, or well-formed and signed by another key. */
const token: Attack = async ({ server, issuer }, draw) => {
  const parts = issuer.good.split(".");
  const field = fc.constantFrom("alg", "kid", "typ", "jwk", "crit", "b64", "jku", "zip", "enc", "__proto__");
  const value = fc.oneof(
    fc.constantFrom<unknown>("none", "HS256", "RS256", "rsa", "ec", "JWT", null, true, ["exp"]),
    fc.json(),
  );
  const header = fc.array(fc.tuple(field, value), { maxLength: 4 }).map((entries) => {
    const text = JSON.stringify({ alg: "RS256", kid: "rsa", ...Object.fromEntries(entries) });
    return Buffer.from(text).toString("base64url");
  });
  const text = draw(
    fc.oneof(
      nearly(issuer.good, "AQgw_-.9".split("")),
      header.map((head) => [head, ...parts.slice(1)].join(".")),
      header.map((head) => [head, parts[1], ""].join(".")),
      fc.json().map((claims) => [parts[0], Buffer.from(claims).toString("base64url"), parts[2]].join(".")),
    ),
  );
  if (text === issuer.good) return null;
  // The last character of a signature has unused bits.
  const isSame = text
    .split(".")
    .every((part, at) => Buffer.from(part, "base64url").equals(Buffer.from(parts[at] ?? "", "base64url")));
  if (isSame) return null;
  const { status } = await knock(server, bearer(text));
  // An empty or blank header counts as missing: also refused.
  return status === 401 || status === 400 ? null : `the token ${JSON.stringify(text)} was answered ${status}`;
};

/** A frame of odd JSON: whatever the answer, other users must not notice. */
const frame: Attack = async ({ server, issuer }, draw) => {
  const key = fc.constantFrom(
    "type",
    "id",
    "to",
    "text",
    "seq",
    "cursor",
    "__proto__",
    "constructor",
    "prototype",
    "x",
  );
  const leaf = fc.oneof(fc.constantFrom<unknown>("ping", "send", "read", "polluted", null, -0, 1e308), fc.jsonValue());
  const { tree } = fc.letrec<{ tree: unknown; node: unknown }>((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, leaf, tie("node")),
    node: fc.array(fc.tuple(key, tie("tree")), { maxLength: 5 }).map(objectOf),
  }));
  const name = draw(key);
  const list = [[name, draw(tree)] as const, ["type", "ping"] as const, ["__proto__", draw(tree)] as const];
  const text = textOf(objectOf(list));
  const client = await open({ server, issuer });
  client.text(text);
  client.text('{"type":"ping"}');
  const pong = await answer(client, '"pong"');
  client.end();
  if (pong !== '{"type":"pong"}') return `after the frame ${text} a ping was answered ${pong}`;
  return null;
};

const entries = Symbol.for("entries");
/** An object to be written: a real one would lose a `__proto__`, and a repeated key. */
const objectOf = (list: readonly (readonly [string, unknown])[]): unknown => ({ [entries]: list });

/** JSON with objects of any keys, even the same key twice. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null || !(entries in value)) return JSON.stringify(value) ?? "null";
  const list = value[entries] as readonly (readonly [string, unknown])[];
  return `{${list.map(([key, inner]) => `${JSON.stringify(key)}:${textOf(inner)}`).join()}}`;
}

/** A text of any characters to a name of any characters: refused, or it arrives unchanged. */
const text: Attack = async (scene, draw) => {
  const name = draw(
    fc.oneof(fc.constant(`bob-${randomUUID()}`), fc.string({ unit: "binary", minLength: 1, maxLength: 12 })),
  );
  const sent = draw(fc.string({ unit: "binary", minLength: 1, maxLength: 64 }));
  const id = randomUUID();
  const client = await open(scene);
  client.text(JSON.stringify({ type: "send", id, to: name, text: sent }));
  const reply = await answer(client, id);
  client.end();
  const isFine = isIdentifier(name) && name !== "alice" && !sent.includes("\0") && sent.isWellFormed();
  const isAccepted = reply?.includes('"accepted"') ?? false;
  if (isAccepted !== isFine) return `a text ${JSON.stringify(sent)} to ${JSON.stringify(name)} was answered ${reply}`;
  if (!isAccepted) return null;
  const receiver = await open(scene, name);
  const change = await answer(receiver, id);
  receiver.end();
  const arrived = JSON.parse(change ?? '{"changes":[]}') as { changes: readonly { text?: string }[] };
  const isSame = arrived.changes.some((one) => one.text === sent);
  return isSame ? null : `a text ${JSON.stringify(sent)} arrived as ${change}`;
};

/** Any bytes on a properly opened socket: it may close, the server may not. */
const bytes: Attack = async ({ server, issuer }, draw) => {
  const client = await open({ server, issuer });
  for (const chunk of draw(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 5 })))
    client.bytes(chunk);
  await Bun.sleep(1);
  client.end();
  const response = await fetch(`http://127.0.0.1:${server.port}/readyz`, {
    signal: AbortSignal.timeout(deadline.answerMs),
  });
  return response.status === 200 ? null : `the server answered ${response.status}`;
};

const attacks = { origin, token, frame, text, bytes } satisfies Record<string, Attack>;
const kinds = Object.entries(attacks);

/** Attack number `n`; returns the fault, or null. The same number tries the same. */
export async function attack(scene: Scene, n: number): Promise<string | null> {
  const [kind, run] = kinds[n % kinds.length] ?? ["origin", origin];
  let drawn = 0;
  const draw = <T>(arbitrary: fc.Arbitrary<T>): T => {
    const [value] = fc.sample(arbitrary, { seed: n * 16 + drawn++, numRuns: 1 });
    return value as T;
  };
  try {
    const broken = await run(scene, draw);
    return broken === null ? null : `attack ${n} (${kind}): ${broken}`;
  } catch (error) {
    return `attack ${n} (${kind}): ${String(error)}`;
  }
}

async function open({ server, issuer }: Scene, user = "alice"): Promise<RawClient> {
  const client = await connectRaw(server.port, "/ws", {
    headers: bearer(user === "alice" ? issuer.good : await issuer.sign({ sub: user })),
  });
  if (client.answer.status !== 101) throw new Error(`The upgrade was answered ${client.answer.status}`);
  return client;
}

/** The server's first frame with this text; null where none comes, or the socket closes. */
async function answer(client: RawClient, part: string): Promise<string | null> {
  const end = performance.now() + deadline.answerMs;
  const find = (): string | undefined => client.texts().find((one) => one.includes(part));
  while (find() === undefined && performance.now() < end && !client.isGone()) await Bun.sleep(1);
  return find() ?? null;
}
