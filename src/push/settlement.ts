import type { Lease } from "../feed/lease.ts";
import type { Clock } from "../internal/clock.ts";
import type { Due, DueStore, Verdict } from "../store/push/due-store.ts";

export type SettlementOptions = {
  readonly store: Pick<DueStore, "settle">;
  readonly lease: Pick<Lease, "holder" | "lose">;
  readonly clock: Clock;
  /** With this many verdicts, or when no further one can come, a commit does not wait. */
  readonly verdictsMax: number;
  readonly isLast: () => boolean;
  /** A write has ended: these notices are kept. */
  readonly onKept: (kept: readonly Due[]) => void;
  readonly report: (fault: unknown) => void;
};

/** A verdict, with the holder of the lease when its notice was read: it must not overwrite what another holder has written since. */
type HeldVerdict = { readonly holder: string; readonly verdict: Verdict };

/** Verdicts of this time are kept in one commit. */
const gatherMs = 20;
/** After the store has failed. */
const retryMs = 1_000;

/** Gathers the verdicts of one provider's queue, and keeps them in the store. */
export function createSettlement({ store, lease, clock, verdictsMax, isLast, onKept, report }: SettlementOptions) {
  let verdicts: HeldVerdict[] = [];
  let state: "idle" | "scheduled" | "writing" = "idle";

  function schedule(): void {
    if (state !== "idle") return;
    if (verdicts.length >= verdictsMax || isLast()) return void write();
    state = "scheduled";
    clock.after(gatherMs, () => void write());
  }

  /** Keeps verdicts under the lease that they were made under; those of an earlier one are void. */
  async function keep(list: readonly HeldVerdict[]): Promise<void> {
    const holder = lease.holder();
    const own = list.filter((each) => each.holder === holder).map(({ verdict }) => verdict);
    const isOurs = own.length === 0 || (await store.settle(holder, own, clock.now()));
    if (!isOurs && holder === lease.holder()) lease.lose();
  }

  async function write(): Promise<void> {
    state = "writing";
    const list = verdicts;
    verdicts = [];
    try {
      await keep(list);
      state = "idle";
      if (verdicts.length > 0) schedule();
      onKept(list.map(({ verdict }) => verdict.due));
    } catch (fault) {
      // It is not known whether they were kept: they are kept again, and until then none of these notices is sent again.
      report(fault);
      verdicts = [...list, ...verdicts];
      state = "idle";
      clock.after(retryMs, schedule);
      onKept([]);
    }
  }

  return {
    add: (holder: string, verdict: Verdict): void => void verdicts.push({ holder, verdict }),
    schedule,
    isIdle: (): boolean => state === "idle" && verdicts.length === 0,
    size: (): number => verdicts.length,
  };
}
