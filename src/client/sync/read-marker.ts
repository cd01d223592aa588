import type { WindowState } from "./window.ts";
import type { Wishes } from "./wishes.ts";

/** Marks messages as read, as far as they were seen. */
export interface ReadMarker {
  /** The user has seen everything in the window up to `seq`. */
  mark(seq: number): void;
}

/** Only messages of others are marked, as the server does. One write at a time: marks that come meanwhile are one. */
export function createReadMarker({
  self,
  window,
  wishes,
  onFault,
}: {
  readonly self: string;
  readonly window: () => WindowState;
  readonly wishes: Pick<Wishes, "read">;
  readonly onFault: (fault: unknown) => void;
}): ReadMarker {
  let wanted = 0;
  let isMarking = false;

  function run(): void {
    const { row, messages, isPast } = window();
    const seen = messages.findLast((message) => message.seq <= wanted && message.from !== self);
    if (isMarking || isPast || row === null || seen === undefined || seen.seq <= row.own.read) return;
    isMarking = true;
    const asked = wanted;
    const isWhole = (messages.at(-1)?.seq ?? 0) >= row.counted;
    const left = messages.filter(({ seq, from }) => seq > seen.seq && seq <= row.counted && from !== self);
    const rest = { unread: left.length, to: row.counted };
    wishes
      .read({ conversation: row.id, seq: seen.seq, id: seen.id, ...(isWhole && { rest }) })
      .catch(onFault)
      .finally(() => {
        isMarking = false;
        // The same again would fail again at once.
        if (wanted > asked) run();
      });
  }

  return {
    mark(seq) {
      // A mark of an earlier history is no mark of this one.
      wanted = isMarking ? Math.max(wanted, seq) : seq;
      run();
    },
  };
}
