import { createChance } from "../sim/chance.ts";
import { isPush } from "./pushing.ts";
import { drawPushScript, drawScript, type Script, type Tenant, tenants } from "./script.ts";
import { differenceOf, receivedIn, transcriptOf } from "./transcript.ts";
import { runWorld, type World, type WorldOptions } from "./world.ts";

export type Plant = Pick<WorldOptions, "wrapEngine" | "wrapStore">;

/** Steps of a whole script; a shorter one is its beginning. */
export const stepsMax = 30;

/** Scripts of all kinds of acts, and of notifications alone. */
export const kinds = ["everything", "pushes"] as const;
export type Kind = (typeof kinds)[number];

const scriptOf = (seed: number, kind: Kind, steps: number = stepsMax): Script =>
  (kind === "pushes" ? drawPushScript : drawScript)(createChance(seed), seed, steps);

/** A statement without a tenant mostly finds the first tenant's rows: then only the other tenant sees the difference. */
const judgedIn = (seed: number, kind: Kind): Tenant => (kind === "pushes" && seed % 2 === 0 ? "rival" : "acme");

/**
 * Worlds with one tenant and no fault, by script. Only the scripts of the mutants are kept: a proof that runs for hours has no end of scripts.
 */
const keptAlone = new Map<string, Promise<World>>();

/**
 * `wrapEngine` and `wrapStore` plant a fault. `isKept`: the fault, if any, changes nothing in a world with one tenant, so the world
 * without it serves all calls with this script.
 */
export type CompareOptions = Plant & { readonly steps?: number; readonly isKept?: boolean };

/**
 * One script in two worlds, with both tenants and with one alone: that one must receive the same in both (T1), and
 * no user anything about a conversation of others (T3). Returns the violations.
 */
export async function compareTenants(
  seed: number,
  kind: Kind,
  { steps, isKept = false, ...plant }: CompareOptions = {},
): Promise<readonly string[]> {
  const judged = judgedIn(seed, kind);
  const script = scriptOf(seed, kind, steps);
  const name = `script ${seed} of ${kind}`;
  const both = await runWorld(script, { present: tenants, ...plant });
  const seen = [
    ...sharedIn(both).map((text) => `T1: ${name}: ${text}`),
    ...strangersIn(both).map((text) => `T3: ${name}: ${text}`),
  ];
  // A violation in one world needs no second world.
  if (seen.length > 0) return seen;
  const key = `${name}, ${steps} steps`;
  const kept = isKept ? keptAlone.get(key) : undefined;
  const running = kept ?? runWorld(script, { present: [judged], ...(isKept ? {} : plant) });
  if (isKept) keptAlone.set(key, running);
  const alone = await running;
  const difference = differenceOf(transcriptOf(both, judged), transcriptOf(alone, judged));
  return difference === null ? [] : [`T1: ${name}, with and without the other tenant: ${difference}`];
}

/** Tags and keys that both tenants have: on a phone with both, one would replace the other's notification. */
function sharedIn(world: World): readonly string[] {
  const tenantOf = new Map<unknown, string>();
  return receivedIn(world)
    .filter(isPush)
    .flatMap(({ slot, what }) =>
      ["key", "tag"].flatMap((kind) => {
        const name: unknown = Reflect.get(what, kind);
        const [tenant = ""] = slot.split(" ");
        const other = tenantOf.get(name) ?? tenant;
        tenantOf.set(name, tenant);
        return other === tenant ? [] : [`${kind} ${String(name)} belongs to both tenants`];
      }),
    );
}

/**
 * One script in two worlds of one tenant: in the second, an act that names a conversation or user that the actor does not know
 * names one that does not exist instead. All users must receive the same in both (T4).
 */
export async function compareHidden(seed: number, kind: Kind, plant: Plant = {}): Promise<readonly string[]> {
  const script = scriptOf(seed, kind);
  const plain = await runWorld(script, { present: ["acme"], isSerial: true, ...plant });
  const hidden = await runWorld(script, { present: ["acme"], isSerial: true, isHidden: true, ...plant });
  const difference = differenceOf(transcriptOf(plain, "acme"), transcriptOf(hidden, "acme"));
  return difference === null ? [] : [`T4: script ${seed} of ${kind}, not theirs and not there: ${difference}`];
}

/** Frames and answers about a conversation of others, or about a user who is not a member of it. */
function strangersIn(world: World): readonly string[] {
  const { ledger } = world;
  return receivedIn(world).flatMap(({ slot, what }) => {
    const [tenant, user = ""] = slot.split(" ");
    return partsOf(what).flatMap((one) => {
      const conversation: unknown = Reflect.get(one, "conversation");
      if (typeof conversation !== "string") return [];
      const isTheirs = tenants.some((one) => one === tenant && ledger.conversations(one).includes(conversation));
      const people: readonly unknown[] = isTheirs ? ledger.people(conversation) : [];
      // The user of a receipt or typing frame, where it is one.
      const about: unknown = Reflect.get(one, "user") ?? user;
      return people.includes(user) && people.includes(about) ? [] : [`${slot} received ${JSON.stringify(one)}`];
    });
  });
}

/** The parts of a frame or answer, each about one conversation. */
function partsOf(what: object): readonly object[] {
  const body: unknown = Reflect.get(what, "body");
  type Listed = { readonly lastMessage?: object };
  type Parts = Readonly<Record<"changes" | "messages" | "conversations", readonly Listed[] | undefined>> & Listed;
  const whole = (typeof body === "object" && body !== null ? body : what) as Parts;
  const listed = whole.conversations ?? ("lastMessage" in whole ? [whole] : undefined);
  return whole.changes ?? whole.messages ?? listed?.map(({ lastMessage }) => lastMessage ?? {}) ?? [what];
}
