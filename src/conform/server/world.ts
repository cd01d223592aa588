import { randomBytes } from "node:crypto";
import { type Case, Failure, Skip } from "../case.ts";
import { signToken } from "../wire/token.ts";
import type { Connection } from "./connection.ts";
import { createUser, type Credentials, type User } from "./user.ts";

/** How the kit signs its users in. */
export type Identities =
  /** Each request names its user, as with `AUTH=demo`. */
  | { readonly type: "demo" }
  /** The kit signs tokens for new users. */
  | { readonly type: "secret"; readonly secret: string }
  /** Users of the server, in the order alice, bob, carol. */
  | { readonly type: "given"; readonly credentials: readonly [Credentials, Credentials, Credentials] };

/** What a case of a server works with: three users, who begin without messages where the kit may make users. */
export type ServerWorld = {
  readonly url: string;
  readonly alice: User;
  readonly bob: User;
  readonly carol: User;
  /** Someone without credentials. */
  readonly nobody: User;
  /** A device name that nobody has used. */
  readonly device: () => string;
  /** @throws Skip unless the users of this world are new to the server. */
  readonly needNewUsers: () => void;
  /** A token for `alice` as she signs in, and its seconds. @throws Skip where the kit cannot make one. */
  readonly signAlice: (seconds: number) => string;
};

export type ServerCase = Case<ServerWorld>;

const tokenSeconds = 3_600;

export type ServerWorldOptions = {
  readonly url: string;
  readonly identities: Identities;
  /** How long the server may take for an answer. */
  readonly answerMs?: number;
};

/** Runs `use` in a world of its own, and closes what it has opened. @throws Failure: a frame was not as documented. */
export async function withServerWorld(
  { url, identities, answerMs }: ServerWorldOptions,
  use: (world: ServerWorld) => Promise<void>,
): Promise<void> {
  const connections: Connection[] = [];
  const mark = randomBytes(5).toString("hex");
  const userOf = (credentials: Credentials): User =>
    createUser({
      ...{ url, credentials, onConnection: (connection) => void connections.push(connection) },
      ...(answerMs !== undefined && { answerMs }),
    });
  const [alice, bob, carol] = credentialsOf(identities, mark);
  let devices = 0;
  const world: ServerWorld = {
    url,
    ...{ alice: userOf(alice), bob: userOf(bob), carol: userOf(carol), nobody: userOf({ user: "nobody" }) },
    device: () => `kit-${mark}-${devices++}`,
    needNewUsers() {
      if (identities.type === "given") throw new Skip("it needs users who are new to the server");
    },
    signAlice(seconds) {
      if (identities.type !== "secret") throw new Skip("it needs the secret that signs tokens");
      return signToken(identities.secret, { user: alice.user, seconds });
    },
  };
  try {
    await use(world);
    const [fault] = connections.flatMap((connection) => connection.faults());
    if (fault !== undefined) throw new Failure(fault);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

function credentialsOf(identities: Identities, mark: string): readonly [Credentials, Credentials, Credentials] {
  if (identities.type === "given") return identities.credentials;
  const make = (name: string): Credentials => {
    const user = `kit-${name}-${mark}`;
    if (identities.type === "demo") return { user, parameters: { user } };
    const token = signToken(identities.secret, { user, seconds: tokenSeconds });
    return { user, headers: { authorization: `Bearer ${token}` } };
  };
  return [make("alice"), make("bob"), make("carol")];
}
