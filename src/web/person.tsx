import { memo, type ReactNode } from "react";
import type { Conversation, MessageState, Thread } from "../client/index.ts";
import { useReadable, useThreadState, useTyping } from "../react/index.ts";
import { Avatar, Icon } from "./icon.tsx";
import { Go, useDays } from "./surface.tsx";
import { previewOf } from "./text.ts";
import { Tick } from "./tick.tsx";
import { titleOf } from "./title.ts";

export type PersonProps = {
  readonly name: string;
  readonly self: string;
  /** Null: only this browser knows of it. */
  readonly conversation: Conversation | null;
  /** The thread, if it was opened before. */
  readonly thread: Thread | null;
  readonly isOpen: boolean;
  /** The one that the Tab key reaches; arrows reach the others. */
  readonly isTabStop: boolean;
  readonly today: number;
};

const unreadShownMax = 99;

/** A conversation in the list. */
export const Person = memo(function Person(props: PersonProps): ReactNode {
  const { name, self, conversation, thread, isOpen, isTabStop, today } = props;
  const { unread = 0, isMuted = false, last = null } = conversation ?? {};
  const content = { last: last && { text: last.text, time: last.time, isOwn: last.from === self } };
  const state = conversation?.lastState ?? null;
  const shown = { ...content, state, today, isMuted, unread, isNotes: name === self };
  return (
    <li>
      <Go to={{ with: name }} className="person" part="conversation" tabIndex={isTabStop ? 0 : -1} isCurrent={isOpen}>
        <Avatar name={name} />
        <span className="name" dir="auto">
          {titleOf(name, self)}
        </span>
        {thread === null ? <Summary {...shown} /> : <LiveSummary {...shown} thread={thread} isOpen={isOpen} />}
      </Go>
    </li>
  );
});

type SummaryProps = {
  readonly last: { readonly text: string; readonly time: number; readonly isOwn: boolean } | null;
  readonly state: MessageState | null;
  readonly today: number;
  readonly isMuted: boolean;
  readonly unread: number;
  /** True: they are the user's notes. */
  readonly isNotes: boolean;
  readonly unsent?: string;
  readonly isTyping?: boolean;
};

function Summary(props: SummaryProps): ReactNode {
  const { last, state, today, isMuted, unread, isNotes, unsent = "", isTyping = false } = props;
  const days = useDays();
  return (
    <>
      <span className="when">{last !== null && days?.moment(last.time, today)}</span>
      <span className="last" dir="auto">
        {isTyping ? (
          <span className="live">typing…</span>
        ) : unsent !== "" ? (
          <>
            <span className="unsent">Draft:</span> {previewOf(unsent)}
          </>
        ) : (
          last !== null && (
            <>
              {state !== null && <Tick state={state} />}
              {last.isOwn && !isNotes && "You: "}
              {previewOf(last.text)}
            </>
          )
        )}
      </span>
      <span className="badges">
        {isMuted && (
          <span className="muted">
            <Icon name="muted" />
            <span className="hidden">Muted</span>
          </span>
        )}
        {unread > 0 && (
          <span className={isMuted ? "unread quiet" : "unread"}>
            {unread > unreadShownMax ? `${unreadShownMax}+` : unread}
            <span className="hidden"> unread</span>
          </span>
        )}
      </span>
    </>
  );
}

const nothingTyped = { get: () => "", subscribe: () => () => {} };

type LiveProps = Omit<SummaryProps, "unsent" | "isTyping"> & { readonly thread: Thread; readonly isOpen: boolean };

/** With the waiting parts of the thread: typing, a text that was not sent, and messages on their way. */
function LiveSummary({ thread, isOpen, ...shown }: LiveProps): ReactNode {
  // What is typed into the open one is in its field.
  const typed = useReadable(isOpen ? nothingTyped : thread.draft);
  const isTyping = useTyping(thread).length > 0;
  const { rows, after } = useThreadState(thread);
  const newest = after === "end" ? rows.at(-1) : undefined;
  const waits = newest !== undefined && newest.seq === null;
  const last = waits ? { text: newest.text, time: newest.time, isOwn: true } : shown.last;
  const state = waits ? newest.state : shown.state;
  return <Summary {...shown} last={last} state={state} unsent={typed} isTyping={isTyping} />;
}
