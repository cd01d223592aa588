import { Member } from "./member.ts";
import { type Hostility, turnHostile } from "./hostile.ts";
import type { Outcome, StartTried } from "./scenario.ts";

export type SilentPeers = {
  readonly start: StartTried;
  /** Of each kind: silent, dripping, and healthy. */
  readonly each: number;
  readonly heartbeatMs: number;
  /** How long to wait until all of them are closed. */
  readonly patienceMs: number;
};

const talkMs = 20;
/** Timers, and how long it takes to connect. */
const slackMs = 250;

/** R4: a member that neither pongs nor completes a frame is closed with 4408, while it is written to; a member that pongs stays. */
export async function trySilentPeers({ start, each, heartbeatMs, patienceMs }: SilentPeers): Promise<Outcome> {
  const server = await start({ env: { HEARTBEAT_MS: String(heartbeatMs), LOG_LEVEL: "info" } });
  const violations: string[] = [];
  const group = (name: string): Member[] =>
    Array.from({ length: each }, (_, i) => new Member({ port: server.port, user: `${name}${i}` }));
  const groups = { silent: group("silent"), dripping: group("dripping"), healthy: group("healthy") };
  const talker = new Member({ port: server.port, user: "talker" });
  const everybody = Object.values(groups).flat();
  const ends: (() => void)[] = [];
  try {
    await talker.enter();
    await Promise.all(everybody.map((member) => member.enter()));
    const begin = performance.now();
    const closedAfter: number[] = [];
    for (const kind of ["silent", "dripping"] as const satisfies readonly Hostility[]) {
      ends.push(turnHostile(groups[kind], [kind]));
      // They would come back; here they stay away, so that each closes once.
      for (const member of groups[kind]) member.onClose = () => void closedAfter.push(performance.now() - begin);
    }
    const end = begin + patienceMs;
    for (let i = 0; performance.now() < end && closedAfter.length < 2 * each; i++) {
      talker.send(everybody[i % everybody.length]?.user ?? "nobody", "are you there");
      await Bun.sleep(talkMs);
    }
    for (const [name, members] of Object.entries(groups)) {
      const wanted = name === "healthy" ? "" : "4408";
      const wrong = members.filter(({ closes }) => closes.join() !== wanted);
      if (wrong.length > 0)
        violations.push(`${wrong.length} ${name} of ${each} were closed with [${wrong[0]?.closes.join() ?? ""}]`);
    }
    const [first, last] = [Math.min(...closedAfter), Math.max(...closedAfter)];
    if (first < 2 * heartbeatMs - slackMs) violations.push(`the first was closed after ${first.toFixed(0)} ms`);
    return { violations, figures: { firstMs: first, lastMs: last } };
  } finally {
    for (const endHostilities of ends) endHostilities();
    for (const member of [...everybody, talker]) member.leave();
    await server.dispose();
  }
}
