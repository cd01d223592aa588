import { memo, type ReactNode, type Ref, useEffect, useRef, useState } from "react";
import type { Thread, ThreadRow, ThreadState } from "../client/index.ts";
import { useClient, useThreadState } from "../react/index.ts";
import { dayOf } from "./day.ts";
import { useToday } from "./hooks.ts";
import { Message } from "./message.tsx";
import { Scroller } from "./scroller.tsx";
import { useDays, useSurface } from "./surface.tsx";

export type LogProps = {
  readonly thread: Thread;
  readonly peer: string;
  /** The message that the address leads to. */
  readonly sought: number | null;
  readonly scroller: Ref<Scroller>;
  readonly onEdit: (row: ThreadRow) => void;
};

/** After this long without a message another one begins a new group. */
const groupMs = 10 * 60_000;

/** The messages of a thread. */
export const Log = memo(function Log({ thread, peer, sought, scroller, onEdit }: LogProps): ReactNode {
  const surface = useSurface();
  const isNotes = peer === useClient().user;
  const peerHref = surface.peerHref(peer);
  const whole = useThreadState(thread);
  const state = useOpened(thread, whole, sought);
  const today = useToday();
  const { rows, before, after } = state;
  return (
    <Scroller
      {...{ ref: scroller, state, sought, name: isNotes ? "Notes to yourself" : `Messages with ${peer}` }}
      {...{ onBefore: thread.loadBefore, onAfter: thread.loadAfter, onNewest: () => thread.jump("newest") }}
    >
      {before === "unreachable" && (
        <Unreachable text="Earlier messages cannot be loaded now." onRetry={thread.loadBefore} />
      )}
      {before === "loading" && <p className="loading">Loading…</p>}
      {before === "end" && rows.length > 0 && (
        <p className="beginning">
          {isNotes
            ? "This is the beginning of your notes."
            : `This is the beginning of your conversation with ${peer}.`}
        </p>
      )}
      <ol>
        {rows.flatMap((row, at) => entryOf({ row, previous: rows[at - 1], state, today, thread, sought, onEdit }))}
      </ol>
      {after === "unreachable" && rows.length > 0 && (
        <Unreachable text="Later messages cannot be loaded now." onRetry={thread.loadAfter} />
      )}
      {rows.length === 0 && before === "end" && (
        <div id="empty">
          <p>{isNotes ? "No notes yet. Only you can read them." : `No messages with ${peer} yet. Say hello!`}</p>
          {peerHref !== null && (
            <a href={peerHref} target="_blank" rel="noopener">
              Open {peer}’s side in another window
            </a>
          )}
        </div>
      )}
    </Scroller>
  );
});

type EntryOptions = {
  readonly row: ThreadRow;
  readonly previous: ThreadRow | undefined;
  readonly state: ThreadState;
  readonly today: number;
  readonly thread: Thread;
  readonly sought: number | null;
  readonly onEdit: (row: ThreadRow) => void;
};

/** A row, below the day and the divider that begin with it. What it looks like depends on the one before it alone, so that a new one changes no other. */
function entryOf({ row, previous, state, today, thread, sought, onEdit }: EntryOptions): readonly ReactNode[] {
  const isNewDay = previous === undefined || dayOf(previous.time) !== dayOf(row.time);
  const isDivided =
    state.divider !== null && row.seq !== null && row.seq >= state.divider && (previous?.seq ?? 0) < state.divider;
  const isFirst = isNewDay || isDivided || previous.from !== row.from || row.time - previous.time > groupMs;
  return [
    isNewDay && (
      <li key={`day ${row.key}`} className="day">
        <Day time={row.time} today={today} />
      </li>
    ),
    isDivided && (
      <li key="divider" className="divider">
        <span>New messages</span>
      </li>
    ),
    <Message key={row.key} {...{ thread, row, isFirst, isSought: sought !== null && row.seq === sought, onEdit }} />,
  ];
}

const Day = ({ time, today }: { readonly time: number; readonly today: number }): ReactNode => (
  // A line is as high without its name.
  <span>{useDays()?.day(time, today) ?? "\u00A0"}</span>
);

const nothing: readonly ThreadRow[] = [];

/**
 * The state to show: without rows until the window is where the reader begins, at the first unread message or at the one that was asked for. What is shown
 * counts as seen, so the newest messages must not be on screen before that.
 */
function useOpened(thread: Thread, state: ThreadState, sought: number | null): ThreadState {
  const [step, setStep] = useState<Opening>({ at: "begin" });
  const hadUnread = useRef<boolean | null>(null);
  const { rows, before, after, unread } = state;
  const isKnown = rows.length > 0 || before === "end" || before === "unreachable";
  const isMissing = sought === null ? missesUnread(state) || missesNewest(state) : missesSought(state, sought);
  const hasMoved = step.at === "moving" && step.from !== rows && (after === "more" || !isMissing);
  const isThere =
    step.at === "there" || before === "unreachable" || (step.at === "begin" && isKnown && !isMissing) || hasMoved;
  useEffect(() => {
    if (isThere) return setStep(there);
    if (!isKnown || step.at === "moving") return;
    setStep({ at: "moving", from: rows });
    thread.jump(sought === null ? "unread" : { seq: sought });
  }, [thread, step, isThere, isKnown, sought]);
  // A divider of an earlier visit is of no use in this one.
  if (isThere) hadUnread.current ??= unread > 0;
  return isThere
    ? { ...state, divider: hadUnread.current === true ? state.divider : null }
    : { ...state, rows: nothing, before: "loading" };
}

/** `moving`: the window was told to move, and had these rows then. */
type Opening = { readonly at: "begin" | "there" } | { readonly at: "moving"; readonly from: readonly ThreadRow[] };

const there: Opening = { at: "there" };

/** True: the window is in the history, where an earlier visit has left it. */
const missesNewest = ({ after, unread }: ThreadState): boolean => after === "more" && unread === 0;

/** True: the first unread message is before the window. */
function missesUnread({ rows, before, unread, own }: ThreadState): boolean {
  const [first] = rows;
  if (before !== "more" || first === undefined || first.seq === null || first.seq <= own.read + 1) return false;
  return rows.filter(({ state, seq }) => state === "received" && seq !== null && seq > own.read).length < unread;
}

/** True: the message is not in the window, and may exist. */
function missesSought({ rows, after }: ThreadState, sought: number): boolean {
  const last = rows.findLast(({ seq }) => seq !== null)?.seq ?? 0;
  return !(after === "end" && last < sought) && !rows.some(({ seq }) => seq === sought);
}

const Unreachable = ({ text, onRetry }: { readonly text: string; readonly onRetry: () => void }): ReactNode => (
  <p className="unreachable">
    {text}{" "}
    <button type="button" className="plain" onClick={onRetry}>
      Try again
    </button>
  </p>
);
