import { readFileSync } from "node:fs";
import fc from "fast-check";

/** One entry: its inputs, and the judgement of each. */
export type Target = {
  readonly name: string;
  /** Judges `count` inputs drawn from `seed`. The same seed draws the same inputs. */
  try(seed: number, count: number): Promise<Findings>;
};

export type Findings = { readonly cases: number; readonly violations: readonly string[] };

/** The fault in handling an input; null: none. */
export type Verdict = string | null;

export type TargetOptions<Input> = {
  readonly name: string;
  readonly inputs: fc.Arbitrary<Input>;
  readonly judge: (input: Input) => Verdict | Promise<Verdict>;
};

/** No input may hold the event loop longer (INVARIANTS R1). */
const blockMsMax = 50;
/** An input that takes longer once is tried this often. */
const slowTimesMin = 6;
/** A broken target is broken for many inputs: the first few are enough. */
const violationsMax = 3;
const shownCharsMax = 300;

/** The properties that every object inherits: an added one has polluted the whole process. */
const inherited = Object.getOwnPropertyNames(Object.prototype).join();

/** A target whose inputs are judged one by one; a throw, a slow input and a polluted prototype are violations anywhere. */
export function createTarget<Input>({ name, inputs, judge }: TargetOptions<Input>): Target {
  async function verdictOn(input: Input): Promise<Verdict> {
    const begun = performance.now();
    let verdict: Verdict;
    try {
      const judged = judge(input);
      verdict = judged instanceof Promise ? await judged : judged;
    } catch (error) {
      verdict = `threw ${String(error)}`;
    }
    if (verdict === null && performance.now() - begun > blockMsMax) verdict = await slowness(judge, input);
    if (Object.getOwnPropertyNames(Object.prototype).join() !== inherited) verdict ??= "changed Object.prototype";
    return verdict;
  }

  return {
    name,
    async try(seed, count) {
      const violations: string[] = [];
      let cases = 0;
      for (const input of fc.sample(inputs, { seed, numRuns: count })) {
        cases++;
        const verdict = await verdictOn(input);
        if (verdict !== null)
          violations.push(`${name}, seed ${seed}, case ${cases}: ${verdict} on ${shownText(input)}`);
        if (violations.length >= violationsMax) break;
      }
      return { cases, violations };
    },
  };
}

/** Other work on the machine may stall anything now and then: an input is slow only if it is slow every time. */
async function slowness<Input>(judge: TargetOptions<Input>["judge"], input: Input): Promise<Verdict> {
  let least = Infinity;
  for (let i = 0; i < slowTimesMin && least > blockMsMax; i++) {
    const [begun, queuedBefore] = [performance.now(), queuedMs()];
    await judge(input);
    least = Math.min(least, performance.now() - begun - (queuedMs() - queuedBefore));
  }
  return least > blockMsMax ? `took ${Math.round(least)} ms` : null;
}

/** For how long this thread was ready, and the machine ran others in its place; 0 where the system does not tell. */
function queuedMs(): number {
  try {
    const [, queuedNs] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
    return Number(queuedNs) / 1_000_000;
  } catch {
    return 0;
  }
}

/** An input as a violation shows it, shortened where it is long. */
export function shownText(input: unknown): string {
  const text = input instanceof Uint8Array ? `bytes ${Buffer.from(input).toString("hex")}` : fc.stringify(input);
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}… (${text.length} characters)` : text;
}
