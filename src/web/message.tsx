import { memo, type ReactNode, useState } from "react";
import type { Thread, ThreadRow } from "../client/index.ts";
import { useReadMark } from "../react/index.ts";
import { Boundary } from "./boundary.tsx";
import { useDays } from "./surface.tsx";
import { isEmojiOnly, partsOf } from "./text.ts";
import { Tick, tickOf } from "./tick.tsx";

export type MessageProps = {
  readonly thread: Thread;
  readonly row: ThreadRow;
  /** The first of a group of one sender. */
  readonly isFirst: boolean;
  /** An address leads to it. */
  readonly isSought: boolean;
  readonly onEdit: (row: ThreadRow) => void;
};

/** A longer text is shown in part, until the reader asks for all of it. */
const charsMax = 1_200;
const linesMax = 18;

/** A message of a thread. It is rendered again only if it changes. One that cannot be drawn is shown as plain text, or its thread could never be read again. */
export const Message = memo(function Message(props: MessageProps): ReactNode {
  return (
    <Boundary plain={<Plain {...props} />}>
      <Row {...props} />
    </Boundary>
  );
});

const Plain = ({ thread, row }: MessageProps): ReactNode => (
  <li ref={useReadMark<HTMLLIElement>(thread, row)} className="message" data-key={row.key}>
    <span className="bubble text">
      {row.from}: {row.text}
    </span>
  </li>
);

function Row({ thread, row, isFirst, isSought, onEdit }: MessageProps): ReactNode {
  const { text, time, state, from, seq } = row;
  const ref = useReadMark<HTMLLIElement>(thread, row);
  const tick = tickOf(state);
  const classes = [
    "message",
    tick !== null && "own",
    isFirst && "first",
    isSought && "sought",
    isEmojiOnly(text) && "emoji",
  ];
  return (
    <li
      {...{
        ref,
        className: classes.filter(Boolean).join(" "),
        part: tick === null ? "message" : "message own-message",
        "data-tick": tick ?? undefined,
        "data-key": row.key,
        "data-seq": seq ?? undefined,
      }}
    >
      <div className="bubble" part={tick === null ? "bubble" : "bubble own-bubble"}>
        <span className="hidden">{tick === null ? from : "You"}: </span>
        <Body text={text}>
          <span className="meta">
            <Moment time={time} />
            <Tick state={state} />
          </span>
        </Body>
      </div>
      {row.failed !== undefined && <Failed thread={thread} row={row} onEdit={onEdit} />}
    </li>
  );
}

function Moment({ time }: { readonly time: number }): ReactNode {
  const days = useDays();
  return (
    <time dateTime={new Date(time).toISOString()} title={days?.whole(time)}>
      {days?.clock(time)}
    </time>
  );
}

function Body({ text, children }: { readonly text: string; readonly children: ReactNode }): ReactNode {
  const isLong = text.length > charsMax || text.split("\n", linesMax + 1).length > linesMax;
  const [isWhole, setIsWhole] = useState(!isLong);
  return (
    <div className={isWhole ? "body" : "body cut"} dir="auto">
      <span className="text">
        {partsOf(text).map(({ text: part, href }, at) =>
          href === undefined ? (
            part
          ) : (
            <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
              {part}
            </a>
          ),
        )}
      </span>
      {isLong && (
        <button type="button" className="plain whole" aria-expanded={isWhole} onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? "Show less" : "Show more"}
        </button>
      )}
      {children}
    </div>
  );
}

/** Why a message was refused, and what its writer can do about it. */
function Failed({ thread, row, onEdit }: Pick<MessageProps, "thread" | "row" | "onEdit">): ReactNode {
  const { id, failed } = row;
  return (
    <div className="failed-note">
      <span className="note">Not sent: {failed?.message}</span>
      <button type="button" className="plain retry" onClick={() => thread.retry(id)}>
        Retry
      </button>
      <button type="button" className="plain edit" onClick={() => onEdit(row)}>
        Edit
      </button>
      <button type="button" className="plain discard" onClick={() => void thread.cancel(id)}>
        Discard
      </button>
    </div>
  );
}
