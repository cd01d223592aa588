import { createChance } from "../sim/chance.ts";
import { isPush } from "./pushing.ts";
import { drawPushScript, drawScript, type Script, type Tenant, tenants } from "./script.ts";
import { differenceOf, toldIn, transcriptOf } from "./transcript.ts";
import { runWorld, type World, type WorldOptions } from "./world.ts";

export type Plant = Pick<WorldOptions, "wrapEngine" | "wrapStore">;

/** Steps of a whole script. A shorter one is how it begins. */
export const stepsMax = 30;

/** Scripts of everything that there is, and of notifications alone. */
export const kinds = ["everything", "pushes"] as const;
export type Kind = (typeof kinds)[number];

const scriptOf = (seed: number, kind: Kind, steps: number = stepsMax): Script =>
  (kind === "pushes" ? drawPushScript : drawScript)(createChance(seed), seed, steps);

/** What a statement without a tenant finds is mostly the first one's: then only the other one sees it. */
const judgedIn = (seed: number, kind: Kind): Tenant => (kind === "pushes" && seed % 2 === 0 ? "rival" : "acme");

/**
 * One script in two worlds, with both tenants and with one alone: that one must be told the same in both (T1), and
 * nobody anything of a conversation that is not theirs (T3). Answers what was not so.
 */
export async function compareTenants(
  seed: number,
  kind: Kind,
  { steps, ...plant }: Plant & { readonly steps?: number } = {},
): Promise<readonly string[]> {
  const judged = judgedIn(seed, kind);
  const script = scriptOf(seed, kind, steps);
  const name = `script ${seed} of ${kind}`;
  const both = await runWorld(script, { present: tenants, ...plant });
  const seen = [
    ...sharedIn(both).map((text) => `T1: ${name}: ${text}`),
    ...strangersIn(both).map((text) => `T3: ${name}: ${text}`),
  ];
  // What shows in one world needs no second one.
  if (seen.length > 0) return seen;
  const alone = await runWorld(script, { present: [judged], ...plant });
  const difference = differenceOf(transcriptOf(both, judged), transcriptOf(alone, judged));
  return difference === null ? [] : [`T1: ${name}, with and without the other tenant: ${difference}`];
}

/** Tags and keys that stand for something of both tenants: on a phone where both are, one would take the other's place. */
function sharedIn(world: World): readonly string[] {
  const tenantOf = new Map<unknown, string>();
  return toldIn(world)
    .filter(isPush)
    .flatMap(({ slot, what }) =>
      ["key", "tag"].flatMap((kind) => {
        const name: unknown = Reflect.get(what, kind);
        const [tenant = ""] = slot.split(" ");
        const other = tenantOf.get(name) ?? tenant;
        tenantOf.set(name, tenant);
        return other === tenant ? [] : [`${kind} ${String(name)} is one of both tenants`];
      }),
    );
}

/**
 * One script in two worlds of one tenant: in the second, whoever names a conversation or a person that is not theirs
 * names nobody's instead. Everybody must be told the same in both (T4).
 */
export async function compareHidden(seed: number, kind: Kind, plant: Plant = {}): Promise<readonly string[]> {
  const script = scriptOf(seed, kind);
  const plain = await runWorld(script, { present: ["acme"], isSerial: true, ...plant });
  const hidden = await runWorld(script, { present: ["acme"], isSerial: true, isHidden: true, ...plant });
  const difference = differenceOf(transcriptOf(plain, "acme"), transcriptOf(hidden, "acme"));
  return difference === null ? [] : [`T4: script ${seed} of ${kind}, not theirs and not there: ${difference}`];
}

/** Who was told something of a conversation that is not theirs, or of somebody who is not of it. */
function strangersIn(world: World): readonly string[] {
  const { ledger } = world;
  return toldIn(world).flatMap(({ slot, what }) => {
    const [tenant, user = ""] = slot.split(" ");
    return partsOf(what).flatMap((one) => {
      const conversation: unknown = Reflect.get(one, "conversation");
      if (typeof conversation !== "string") return [];
      const isTheirs = tenants.some((one) => one === tenant && ledger.conversations(one).includes(conversation));
      const people: readonly unknown[] = isTheirs ? ledger.people(conversation) : [];
      // Whose receipt or typing it is, where it is one.
      const about: unknown = Reflect.get(one, "user") ?? user;
      return people.includes(user) && people.includes(about) ? [] : [`${slot} was told ${JSON.stringify(one)}`];
    });
  });
}

/** The parts of what somebody was told, each about one conversation. */
function partsOf(what: object): readonly object[] {
  const body: unknown = Reflect.get(what, "body");
  const { changes, messages, conversations } = (typeof body === "object" && body !== null ? body : what) as Readonly<
    Record<string, readonly { readonly lastMessage?: object }[] | undefined>
  >;
  return changes ?? messages ?? conversations?.map(({ lastMessage }) => lastMessage ?? {}) ?? [what];
}
