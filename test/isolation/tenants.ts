import { createChance } from "../sim/chance.ts";
import { drawScript, type Script, tenants } from "./script.ts";
import { differenceOf, toldIn, transcriptOf } from "./transcript.ts";
import { runWorld, type World, type WorldOptions } from "./world.ts";

export type Plant = Pick<WorldOptions, "wrapEngine" | "wrapStore">;

const steps = 30;

const scriptOf = (seed: number): Script => drawScript(createChance(seed), seed, steps);

/**
 * One script in two worlds, with both tenants and without the rival: tenant acme must be told the same in both (T1), and
 * nobody anything of a conversation that is not theirs (T3). Answers what was not so.
 */
export async function compareTenants(seed: number, plant: Plant = {}): Promise<readonly string[]> {
  const both = await runWorld(scriptOf(seed), { present: tenants, ...plant });
  const alone = await runWorld(scriptOf(seed), { present: ["acme"], ...plant });
  const difference = differenceOf(transcriptOf(both, "acme"), transcriptOf(alone, "acme"));
  return [
    ...(difference === null ? [] : [`T1: script ${seed}, with and without the rival: ${difference}`]),
    ...strangersIn(both).map((text) => `T3: script ${seed}: ${text}`),
  ];
}

/**
 * One script in two worlds of one tenant: in the second, whoever names a conversation or a person that is not theirs
 * names nobody's instead. Everybody must be told the same in both (T4).
 */
export async function compareHidden(seed: number, plant: Plant = {}): Promise<readonly string[]> {
  const plain = await runWorld(scriptOf(seed), { present: ["acme"], isSerial: true, ...plant });
  const hidden = await runWorld(scriptOf(seed), { present: ["acme"], isSerial: true, isHidden: true, ...plant });
  const difference = differenceOf(transcriptOf(plain, "acme"), transcriptOf(hidden, "acme"));
  return difference === null ? [] : [`T4: script ${seed}, not theirs and not there: ${difference}`];
}

/** Who was told something of a conversation that is not theirs, or of somebody who is not of it. */
function strangersIn(world: World): readonly string[] {
  const { ledger } = world;
  return toldIn(world).flatMap(({ slot, what }) => {
    const [, user = ""] = slot.split(" ");
    return partsOf(what).flatMap((one) => {
      const conversation: unknown = Reflect.get(one, "conversation");
      if (typeof conversation !== "string") return [];
      const people: readonly unknown[] = ledger.people(conversation);
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
