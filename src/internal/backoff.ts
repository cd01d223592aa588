import { chance, type Random } from "./random.ts";

/**
 * How long to wait before a further try: doubled with each one that failed, up to `maxMs`, and between half and the whole of that, so that
 * several who wait do not come back at once. Milliseconds; `attempt` counts from 0.
 *
 * @example
 * await wait(backoffMs(random, { attempt: 3, minMs: 50, maxMs: 2_000 })); // 200 to 400
 */
export function backoffMs(
  random: Pick<Random, "integer">,
  { attempt, minMs, maxMs }: { readonly attempt: number; readonly minMs: number; readonly maxMs: number },
): number {
  const ms = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return (ms / 2) * (1 + chance(random));
}
