import { connectionsAtOnce, inTurns, nextTurn } from "./in-turns.ts";
import type { Connection } from "../connection/connection.ts";
import type { Clock } from "../internal/clock.ts";
import { closeCode } from "../protocol/close-code.ts";

export type ShutdownOptions = {
  readonly clock: Clock;
  /** Leaves out the time in which this process was frozen. */
  readonly awake: Clock;
  /** By the clock's `elapsed()`: connections that are left then are dropped. */
  readonly end: number;
  readonly reason: string;
};

/** A shutdown closes some sockets, then waits this long, so that their clients do not all come back at once. */
const closeWaveMs = 50;

/** Closes all connections with 1012, in waves; resolves when they are gone, or after the end without them. */
export async function closeInWaves(
  connections: ReadonlySet<Connection>,
  { clock, awake, end, reason }: ShutdownOptions,
): Promise<void> {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void awake.after(ms, resolve));
  const waiting = [...connections];
  for (let i = 0; i < waiting.length; i += connectionsAtOnce) {
    for (const connection of waiting.slice(i, i + connectionsAtOnce)) connection.close(closeCode.restart, reason);
    const wavesLeft = Math.ceil((waiting.length - i) / connectionsAtOnce);
    const waitMs = Math.min(closeWaveMs, (end - clock.elapsed()) / wavesLeft);
    await (waitMs > 0 ? wait(waitMs) : nextTurn(clock));
  }
  while (connections.size > 0 && clock.elapsed() < end) await wait(closeWaveMs);
  await inTurns([...connections], { clock, each: (connection) => connection.terminate() });
}
