import type { Message } from "../../../src/model.ts";
import type { ServerFrame } from "../../../src/protocol/frame.ts";
import { drawScript, tenants } from "../isolation/script.ts";
import type { Plant } from "../isolation/tenants.ts";
import { type CursorUse, runWorld, type Received, type World } from "../isolation/world.ts";
import { createChance } from "../sim/chance.ts";
import type { Findings } from "./target.ts";

const steps = 40;

/** One connection as the model follows it. */
type Reader = {
  readonly asked: string | undefined;
  /** The position that it asked for, if valid. */
  readonly honoured: number | null;
  /** Where it begins; null before `welcome`. */
  start: number | null;
  hasReset: boolean;
  frames: number;
  /** The last message that came, by its change number. */
  last: number;
  /** Seqs that it knows: by a change, or because its own send was accepted there. */
  readonly known: Set<string>;
};

const placeOf = ({ conversation, seq }: { conversation: string; seq: number }): string => `${conversation} ${seq}`;

/**
 * Judges the events of a world against a plain model: lists of messages, and a start for each connection.
 * O6: a cursor is honoured exactly or answered with `reset`, no unacked message is skipped, and no frame covers
 * a message that its connection does not know. O9: marks never go back, and read ≤ delivered ≤ last seq.
 */
export function judgeResume({ events, ledger, codec, heads }: World): readonly string[] {
  const violations: string[] = [];
  const readers = new Map<string, Reader>();
  /** The furthest ack that each user may have made, by any device. */
  const acked = new Map<string, number>();
  const marks = new Map<string, { step: number; delivered: number; read: number }[]>();
  const userOf = (slot: string): string => slot.split(" ").slice(0, 2).join(" ");

  /** The change number of a cursor, where this history can have given it. */
  function honoured({ cursor, head }: Pick<CursorUse, "cursor" | "head">): number | null {
    const place = codec.decode(cursor ?? "");
    return place !== null && place.n <= head ? place.n : null;
  }

  function noteCursor({ type, slot, cursor, head }: CursorUse): void {
    const n = honoured({ cursor, head });
    // An ack beyond the sent messages counts up to the last one, which is never beyond the head.
    const reach = n ?? (type === "ack" && codec.decode(cursor ?? "") !== null ? head : 0);
    acked.set(userOf(slot), Math.max(acked.get(userOf(slot)) ?? 0, reach));
    if (type !== "connect") return;
    const fresh = {
      asked: cursor,
      honoured: n,
      start: null,
      hasReset: false,
      frames: 0,
      last: 0,
      known: new Set<string>(),
    };
    readers.set(slot, fresh);
  }

  function receive({ step, slot, what }: Received): void {
    const reader = readers.get(slot);
    if (!reader || !("type" in what)) return;
    const frame = what as ServerFrame;
    const wrong = (text: string): void => void violations.push(`step ${step}, ${slot}: ${text}`);
    reader.frames++;
    if (frame.type === "welcome") begin(reader, frame.cursor, slot, wrong);
    if (frame.type === "reset") {
      // A device that asked by HTTP, at the lowest level, before it connects has passed changes of a higher one.
      if (frame.reason === "level") return;
      reader.hasReset = true;
      if (codec.decode(frame.cursor)?.n !== reader.start) wrong("O6: reset names another cursor than welcome");
    }
    // The second frame shows whether `reset` was due.
    const isRefused = reader.asked !== undefined && reader.honoured === null;
    if (reader.frames === 2 && reader.hasReset !== isRefused && frame.type !== "welcome")
      wrong(`O6: the cursor ${reader.asked} got ${reader.hasReset ? "a" : "no"} reset`);
    if (frame.type === "accepted") reader.known.add(placeOf(frame));
    if (frame.type === "changes") take(reader, frame, step, slot, wrong);
  }

  function begin(reader: Reader, cursor: string, slot: string, wrong: (text: string) => void): void {
    const start = codec.decode(cursor)?.n ?? 0;
    reader.start = start;
    reader.last = start;
    const asked = reader.honoured;
    if (asked !== null && asked !== start) wrong(`O6: it asked for ${asked} and begins at ${start}`);
    if (start > (acked.get(userOf(slot)) ?? 0)) wrong(`O6: it begins at ${start}, which no device has acked`);
  }

  function take(
    reader: Reader,
    frame: Extract<ServerFrame, { type: "changes" }>,
    step: number,
    slot: string,
    wrong: (text: string) => void,
  ): void {
    const [tenant = ""] = slot.split(" ");
    for (const change of frame.changes) {
      if (change.kind === "receipt") {
        mark(`${change.conversation} ${change.user}`, step, change, wrong);
        continue;
      }
      // Relations and settings are for the simulator to judge.
      if (change.kind !== "message") continue;
      const message = ledger.messages(tenant).find((one) => placeOf(one) === placeOf(change));
      if (message?.text !== change.text || message.id !== change.id) wrong("O6: a message came that was not committed");
      else if (message.n <= reader.last) wrong(`O6: the message at ${message.n} came after ${reader.last}`);
      else reader.last = message.n;
      reader.known.add(placeOf(change));
    }
    const covered = codec.decode(frame.cursor)?.n ?? 0;
    for (const message of due(slot, reader, covered))
      wrong(`O6: the cursor at ${covered} covers ${placeOf(message)}, which did not come`);
  }

  /** Messages to or from a connection's user, up to a position, that it does not know. */
  function due(slot: string, { start, known }: Reader, upTo: number): readonly Message[] {
    const [tenant = "", user] = slot.split(" ");
    return ledger
      .messages(tenant)
      .filter(({ from, to, n }) => (from === user || to === user) && n > (start ?? n) && n <= upTo)
      .filter((message) => !known.has(placeOf(message)));
  }

  function mark(
    name: string,
    step: number,
    { delivered, read, conversation }: { delivered: number; read: number; conversation: string },
    wrong: (text: string) => void,
  ): void {
    const lastSeq = tenants
      .flatMap((tenant) => ledger.messages(tenant))
      .filter((message) => message.conversation === conversation)
      .reduce((last, { seq }) => Math.max(last, seq), 0);
    if (!(read <= delivered && delivered <= lastSeq))
      wrong(`O9: read ${read}, delivered ${delivered}, last ${lastSeq}`);
    const seen = marks.get(name) ?? [];
    // Within one step different connections may receive in either order.
    if (seen.some((old) => old.step < step && (old.delivered > delivered || old.read > read)))
      wrong(`O9: the marks of ${name} went back to delivered ${delivered}, read ${read}`);
    marks.set(name, [...seen, { step, delivered, read }]);
  }

  /** After each step, once all is quiet: every connected user knows everything up to the head. */
  function endStep(step: number): void {
    const head = codec.decode(heads[step - 1] ?? "")?.n ?? 0;
    for (const [slot, reader] of readers)
      for (const message of due(slot, reader, head))
        violations.push(`step ${step}, ${slot}: O6: ${placeOf(message)} never came`);
  }

  let step = 1;
  for (const event of events) {
    for (; step < event.step; step++) endStep(step);
    if (event.type === "received") {
      receive(event);
      if ("code" in event.what && "reason" in event.what) readers.delete(event.slot);
    } else if (event.type === "hang up") readers.delete(event.slot);
    else noteCursor(event);
  }
  return violations;
}

/** Runs and judges one history of two tenants' users. `cases` counts their acts. */
export async function tryHistory(seed: number, plant: Plant = {}): Promise<Findings> {
  const world = await runWorld(drawScript(createChance(seed), seed, steps), { present: tenants, ...plant });
  const violations = judgeResume(world).map((text) => `history ${seed}, ${text}`);
  return { cases: world.acts, violations: violations.slice(0, 5) };
}
