import { type Event, judge } from "../checker/checker.ts";
import type { Logged } from "./database.ts";
import type { World } from "./world.ts";

const placeOf = ({ conversation, seq }: { readonly conversation: string; readonly seq: number }): string =>
  `${conversation} ${seq}`;

/**
 * Judges a world with a restored database: each history alone, by the frames of that history. A frame that came while two histories
 * had the same name must fit one of them.
 */
export function judgeHistories(world: World): readonly string[] {
  const { histories, devices } = world;
  const truths = world.truths();
  const owners = [...new Set(devices.map((device) => device.owner))];
  const places = truths.map((truth) => {
    const all = new Map<string, Logged>();
    for (const owner of owners) for (const row of truth.historyOf(owner)) all.set(placeOf(row), row);
    return all;
  });
  const problems: string[] = [];
  const logs: Event[][] = truths.map(() => []);
  const isAt = (i: number, place: string, from: string, id: string): boolean => {
    const row = places[i]?.get(place);
    return row?.from === from && row.id === id;
  };

  for (const { event, generation, since, name } of world.records()) {
    // A frame with a history's name belongs to that history; without a name, to any history since its request.
    const candidates =
      name === null
        ? logs.flatMap((_, i) => (i >= since && i <= generation ? [i] : []))
        : histories.of(name, generation);
    const only = candidates.length === 1 ? logs[candidates[0] ?? 0] : undefined;
    switch (event.type) {
      case "attempt":
      case "refusable":
        for (const [i, log] of logs.entries()) if (i >= generation) log.push(event);
        break;
      case "accepted": {
        const there = candidates.filter((i) => isAt(i, placeOf(event), event.from, event.id));
        for (const i of there) logs[i]?.push(event);
        if (there.length === 0)
          problems.push(
            `lost: ${event.id} of ${event.from} was accepted at ${placeOf(event)} of ${name ?? candidates.join()}, and is not there`,
          );
        break;
      }
      case "seen":
        if (only) only.push(event);
        else if (!candidates.some((i) => isAt(i, placeOf(event), event.from, event.id)))
          problems.push(
            `unexpected: ${event.reader} received ${placeOf(event)} of ${name} as ${event.id}, which is not there`,
          );
        break;
      case "connect":
        only?.push(event);
        break;
      case "floor": {
        // It asks for everything before it, and then has that.
        const { reader, owner, n } = event;
        for (const row of truths[candidates[0] ?? 0]?.historyOf(owner) ?? [])
          if (row.n <= n) only?.push({ type: "seen", reader, ...row });
        only?.push({ type: "connect", reader });
        break;
      }
      default:
    }
  }
  for (const [i, log] of logs.entries())
    for (const owner of owners) log.push({ type: "history", user: owner, messages: truths[i]?.historyOf(owner) ?? [] });
  for (const device of devices)
    if (!device.isTalker && !device.isGone())
      logs.at(-1)?.push({ type: "drained", reader: device.readerNow(), user: device.owner });
  for (const [i, log] of logs.entries())
    problems.push(...judge(log).map(({ class: kind, text }) => `${kind} in history ${i}: ${text}`));
  return problems;
}
