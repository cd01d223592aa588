import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { connectRaw, type RawClient } from "../../support/client.ts";
import type { RunningServer } from "../../support/server.ts";
import { canaryDevices, type PushSecrets } from "./canary-push.ts";
import { hostileTexts } from "./hostile-texts.ts";
import { knock } from "./target.ts";

/** A text that appears nowhere by chance. */
export const canary = (where: string): string => `canary${where}${randomUUID().replaceAll("-", "")}`;

const cookieName = "session";

/** For each provider but Web Push, where resolving names may take long. */
const pushesAnswered = 19;
/** The others wait for their breaker. */
const pushesRefused = 6;

/** A server's secrets, each with a canary, and the environment that contains them. */
export function canarySecrets() {
  const secrets = { jwt: canary("jwtsecret").padEnd(64, "0"), database: canary("databasetoken") };
  const env = {
    AUTH: "jwt",
    JWT_SECRET: secrets.jwt,
    JWT_COOKIE: cookieName,
    LOG_LEVEL: "trace",
  };
  return { secrets, env };
}

type Day = {
  /** The texts that must appear nowhere. */
  readonly canaries: readonly string[];
  /** The server's answers to strangers, and its last words. */
  readonly answers: readonly string[];
  readonly commandLine: string;
  /** The statuses of registrations: first good ones, then bad ones. */
  readonly registered: readonly (readonly number[])[];
};

type DayOptions = { readonly jwtSecret: string; readonly push: PushSecrets; readonly breakStore: () => void };

/** A day of good, clumsy and hostile clients, with a canary in each place where a secret or a message can be. */
export async function canaryDay(server: RunningServer, { jwtSecret, push, breakStore }: DayOptions): Promise<Day> {
  const canaries: string[] = [jwtSecret, ...push.canaries];
  const answers: string[] = [];
  const made = (where: string): string => {
    const text = canary(where);
    canaries.push(text);
    return text;
  };
  const token = async (claims: Readonly<Record<string, unknown>>): Promise<string> => {
    const text = await new SignJWT({ sub: "alice", exp: Math.floor(Date.now() / 1_000) + 600, ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(jwtSecret));
    // The whole token, and its parts: half a token is half a leak.
    canaries.push(...text.split(".").slice(1));
    return text;
  };
  const note = (text: string): void => void answers.push(text);
  async function refused(headers: Readonly<Record<string, string>>, path = "/ws"): Promise<void> {
    const { status, headers: answered, body } = await knock(server, headers, path);
    if (status !== 101) note([...answered].flat().join("\n") + body);
  }
  const open = (bearer: string, headers: Readonly<Record<string, string>> = {}): Promise<RawClient> =>
    connectRaw(server.port, "/ws", { headers: { Authorization: `Bearer ${bearer}`, ...headers } });

  // Tokens in every place, good and bad.
  const good = await token({ secretClaim: made("claim") });
  await refused({ Cookie: `${cookieName}=${await token({ sub: "carol" })}; other=${made("cookie")}` });
  await refused({ Cookie: `${cookieName}=${made("badcookie")}` });
  await refused({ Authorization: `Bearer ${made("bearer")}` });
  await refused({ Authorization: `Basic ${btoa(`alice:${made("basic")}`)}` });
  await refused({
    "X-Api-Key": made("header"),
    "User-Agent": made("agent"),
    Referer: `https://x/?t=${made("referer")}`,
  });
  await refused({ "Sec-WebSocket-Protocol": `tidings.v1, bearer.${made("subprotocol")}` });
  await refused({ Origin: `https://user:${made("origin")}@evil.example`, Authorization: `Bearer ${good}` });
  for (const name of ["token", "ticket", "password", "device", "cursor"])
    await refused({ Authorization: `Bearer ${good}` }, `/ws?${name}=${made("query")}!`);
  for (const text of hostileTexts) {
    const encoded = encodeURIComponent(text);
    await refused({ Authorization: `Bearer ${await token({ sub: text })}` });
    await refused({ Authorization: `Bearer ${await token({ tenant: text, [text]: text })}` });
    await refused({ Authorization: `Bearer ${good}`, "User-Agent": encoded }, `/ws?device=${encoded}&${encoded}=1`);
    await refused({}, `/${encoded}?user=${encoded}`);
  }
  const url = `http://127.0.0.1:${server.port}/messages?password=${made("posted")}`;
  note(await (await fetch(url, { method: "POST", body: JSON.stringify({ text: made("body") }) })).text());

  // Frames: accepted, refused, nonsense.
  const alice = await open(good);
  const send = (text: string, to = "bob"): void => {
    alice.text(JSON.stringify({ type: "send", id: randomUUID(), to, text }));
  };
  send(made("message"));
  send(made("rejected"), `not a name ${made("recipient")}`);
  send(`${made("nul")}\0`);
  for (const text of hostileTexts.slice(0, 5)) send(text);
  alice.text(made("frame"));
  alice.text(JSON.stringify({ type: made("type") }));
  alice.text(JSON.stringify({ type: "ack", cursor: made("ack") }));
  alice.text(JSON.stringify({ type: "read", conversation: made("conversation"), seq: 1 }));
  for (const text of hostileTexts.slice(0, 5)) alice.text(JSON.stringify({ type: text, [text]: text }));
  alice.text('{"type":"ping","id":"done"}');
  while (!alice.texts().some((text) => text.includes('"done"'))) await Bun.sleep(2);
  // One strike too many, in another session.
  const clumsy = await open(good);
  for (let i = 0; i < 12; i++) clumsy.text(made("strike"));
  await clumsy.gone;

  // Devices of an absent user, with all answers of their providers, and with providers that are gone.
  const bob = await token({ sub: "bob" });
  const asBob = async (path: string, method: string, body: string | null) => {
    const headers = { Authorization: `Bearer ${bob}`, "Content-Type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers, body });
    const text = await answer.text();
    note([...answer.headers].flat().join("\n") + text);
    return { status: answer.status, text };
  };
  const devices = canaryDevices(asBob, made, canaries);
  const registered = [await devices.register(), await devices.blunder()];
  await asBob("/push", "GET", null);
  const ids = [randomUUID(), randomUUID()] as const;
  const writeToBob = (id: string): void => {
    alice.text(JSON.stringify({ type: "send", id, to: "bob", text: made("message") }));
  };
  writeToBob(ids[0]);
  await devices.explained(ids[0], pushesAnswered);
  await push.parrot.stop();
  writeToBob(ids[1]);
  await devices.explained(ids[1], pushesRefused);

  // The database goes away while messages are on their way to it.
  breakStore();
  send(made("lost"));
  await alice.gone;
  for (const client of [alice, clumsy]) {
    note(client.closed()?.reason ?? "");
    for (const text of client.texts()) if (/"type":"(rejected|error|accepted)"/.test(text)) note(text);
  }
  const commandLine = readFileSync(`/proc/${server.pid}/cmdline`, "utf8");
  await server.stop();
  return { canaries, answers, commandLine, registered };
}

/** The canaries in a text, in encoded forms too. */
export function canariesIn(text: string, canaries: readonly string[]): readonly string[] {
  return canaries.filter((one) =>
    [one, btoa(one).replace(/=+$/, ""), btoa(`alice:${one}`), encodeURIComponent(one)].some((form) =>
      text.includes(form),
    ),
  );
}
