import { pause } from "../../internal/clock.ts";
import type { Environment } from "../environment.ts";
import type { Frame, Link } from "../link/contract.ts";
import type { Written } from "../vault/contract.ts";
import type { Refusal } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import { wireTarget } from "./target.ts";

type Rejected = Extract<Frame, { type: "rejected" }>;

/** Sends the rows of the outbox over one connection after the other, in order, each until it is answered for good. */
export interface Sender {
  /** A connection has been greeted. `window`: how many sends may be unanswered. */
  begin(window: number): void;
  end(): void;
  /** There may be something to send. */
  flush(): void;
  /** True: it is under way on this connection. */
  isUnderWay(id: string): boolean;
  isConnected(): boolean;
  /** The server has accepted it: its message is about to be written. */
  answered(id: string): void;
  rejected(frame: Rejected): void;
}

export type SenderOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "send" | "probe">;
  readonly onFault: (fault: unknown) => void;
  /** The server has refused it for good. Resolves when that is written. */
  readonly onRefused: (id: string, failed: Refusal) => Promise<void>;
  /** Another tab has settled a row that this one was about to send. */
  readonly onGone: () => void;
};

/** The sends of one connection. */
type Connection = {
  readonly window: number;
  /** Sent here and not settled: `asked` until its answer, then `answered` until that is written. */
  readonly rows: Map<string, "asked" | "answered">;
  /** Nothing is sent before this, by `elapsed`: the server has refused a send for the time being, and all that follow it. 0: it has not. */
  heldUntil: number;
};

/** How long a send may stay unanswered before the connection is looked at. */
const answerMs = 8_000;
const holdMsDefault = 1_000;

export function createSender({ clock, cache, keeper, link, onFault, onRefused, onGone }: SenderOptions): Sender {
  let connection: Connection | null = null;
  let isTrying = false;
  let cancelWatch: (() => void) | null = null;
  let cancelHold: (() => void) | null = null;

  const asked = ({ rows }: Connection): number => [...rows.values()].filter((state) => state === "asked").length;

  /**
   * A row goes out only after every earlier one that waits has gone out on this connection, also those that another tab may be sending: the server takes
   * a message once.
   */
  function flush(): void {
    const of = connection;
    if (of === null || isTrying) return;
    for (const [id, state] of of.rows) if (state === "answered" && !cache.pending.has(id)) of.rows.delete(id);
    if (isHeld(of)) return;
    const before = of.rows.size;
    const untried = sendTried(of);
    if (of.rows.size > before) cache.sendingChanged();
    if (untried.length > 0) return tryRows(untried);
    watchAnswers(of);
  }

  /** After "later" everything waits for its time, and for the answers to the later sends: those are refused too. */
  function isHeld(of: Connection): boolean {
    if (of.heldUntil === 0) return false;
    const ms = of.heldUntil - clock.elapsed();
    if (ms > 0) cancelHold ??= clock.after(ms, holdEnded);
    if (ms > 0 || asked(of) > 0) return true;
    of.heldUntil = 0;
    return false;
  }

  function holdEnded(): void {
    cancelHold = null;
    flush();
  }

  /** Sends the rows that may go out, in order, up to the first one that was never tried; answers the ids of those that follow from there. */
  function sendTried(of: Connection): readonly string[] {
    const untried: string[] = [];
    for (const [id, { row, stage }] of cache.pending) {
      const isUnderWay = of.rows.has(id);
      // One that went out while the storage hung, and is kept now, was not stored as tried.
      if (row.failed !== undefined || (isUnderWay && (row.isTried || stage !== "kept"))) continue;
      if (stage === "keeping" || (!isUnderWay && asked(of) + untried.length >= of.window)) break;
      if (!row.isTried && stage === "kept") untried.push(id);
      else if (untried.length > 0 || !link.send({ type: "send", id, ...wireTarget(row.target), text: row.text })) break;
      else of.rows.set(id, "asked");
    }
    return untried;
  }

  /** Stored as tried before they are sent: after a crash the user cannot edit or cancel a message that the server may have. */
  function tryRows(untried: readonly string[]): void {
    isTrying = true;
    keeper.write({ outbox: untried.map((id) => ({ do: "try", id })) }, "strict").then(flushSoon, (fault: unknown) => {
      onFault(fault);
      clock.after(answerMs, flushSoon);
    });
  }

  function flushSoon(written?: Written): void {
    isTrying = false;
    if ([...(written?.outbox.values() ?? [])].includes(null)) onGone();
    flush();
  }

  function watchAnswers(of: Connection): void {
    if (cancelWatch !== null || asked(of) === 0) return;
    const before = new Set(of.rows.keys());
    cancelWatch = clock.after(answerMs, () => {
      cancelWatch = null;
      if (connection !== of) return;
      if ([...of.rows].some(([id, state]) => state === "asked" && before.has(id))) link.probe();
      watchAnswers(of);
    });
  }

  return {
    flush,
    isUnderWay: (id) => connection?.rows.has(id) ?? false,
    isConnected: () => connection !== null,
    begin(window) {
      connection = { window, rows: new Map(), heldUntil: 0 };
      flush();
    },
    end() {
      const isShown = connection !== null && connection.rows.size > 0;
      connection = null;
      cancelWatch?.();
      cancelHold?.();
      cancelWatch = cancelHold = null;
      if (isShown) cache.sendingChanged();
    },
    answered(id) {
      if (connection?.rows.has(id) !== true) return;
      connection.rows.set(id, "answered");
      // Its change may have come before: then nothing is written any more that would go on from here.
      flush();
    },
    rejected({ id, code, message, retry, retryAfterMs }) {
      const of = connection;
      if (of === null || !of.rows.has(id)) return;
      if (retry === "later") {
        of.rows.delete(id);
        of.heldUntil = Math.max(of.heldUntil, clock.elapsed() + (retryAfterMs ?? holdMsDefault));
        return flush();
      }
      of.rows.set(id, "answered");
      const isWanted = (): boolean => connection === of;
      void untilDone(() => onRefused(id, { code, message }), { clock, onFault, isWanted }).then(() => {
        of.rows.delete(id);
        flush();
      });
    },
  };
}

type Trying = Pick<SenderOptions, "clock" | "onFault"> & { readonly isWanted: () => boolean };

/** What cannot be stored now is stored later. The next connection would ask the server again. */
async function untilDone(work: () => Promise<void>, { clock, onFault, isWanted }: Trying): Promise<void> {
  while (isWanted())
    try {
      return await work();
    } catch (fault) {
      onFault(fault);
      await pause(clock, answerMs);
    }
}
