import { type KeyboardEvent, memo, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { ClientError, type Thread, type ThreadRow } from "../client/index.ts";
import { useClient, useReadable } from "../react/index.ts";
import { isTouch } from "./hooks.ts";
import { Icon } from "./icon.tsx";
import { bytesOf, contentOf } from "./text.ts";

export type ComposerProps = {
  readonly thread: Thread;
  /** What the conversation is called. */
  readonly title: string;
  /** The message that is being changed. */
  readonly editing: ThreadRow | null;
  /** True: the field takes the focus when the thread is opened. */
  readonly takesFocus: boolean;
  readonly onEdit: (row: ThreadRow | null) => void;
  readonly onSent: () => void;
};

/** From here on the writer is told how much is left. */
const leftShownBytes = 500;

/** The field for writing a message: it grows with the text, and Enter sends it on a device with a real keyboard. */
export const Composer = memo(function Composer(props: ComposerProps): ReactNode {
  const { thread, title, editing, takesFocus, onEdit, onSent } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const [problem, setProblem] = useState("");
  const textBytesMax = useReadable(useClient().textBytesMax);
  const [bytes, setBytes] = useState(0);

  function show(text: string): void {
    if (field.current === null || field.current.value === text) return;
    field.current.value = text;
    grow(field.current);
    measure(text);
  }

  function measure(text: string): void {
    // A character has at most three bytes for each of its units: a text that is far from the limit is not counted.
    setBytes(3 * text.length < textBytesMax - leftShownBytes ? 0 : bytesOf(text));
  }

  useLayoutEffect(() => {
    if (editing !== null) {
      setProblem("");
      show(editing.text);
      field.current?.focus();
      return;
    }
    show(thread.draft.get());
    return thread.draft.subscribe(() => show(thread.draft.get()));
  }, [thread, editing]);

  // On a phone the keyboard stays closed until the field is touched. Once, before it is painted: later it would take the focus from where its user has put it.
  useLayoutEffect(() => {
    if (takesFocus && !isTouch()) field.current?.focus();
  }, []);

  function onInput({ currentTarget: { value } }: { readonly currentTarget: HTMLTextAreaElement }): void {
    if (field.current !== null) grow(field.current);
    measure(value);
    setProblem("");
    if (editing !== null) return;
    thread.draft.set(value);
    thread.typing(value !== "");
  }

  async function submit(): Promise<void> {
    const text = contentOf(field.current?.value ?? "");
    if (text === "") return;
    try {
      if (editing === null) await send(thread, text, onSent);
      else await change(thread, editing, { text, onDone: () => onEdit(null) });
    } catch (error) {
      setProblem(problemOf(error));
    }
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    // An input method takes Enter for itself. Preact gives the browser's own event, React wraps it.
    const { isComposing } = "isComposing" in event ? (event as { isComposing: unknown }) : event.nativeEvent;
    // Safari ends the composition before the key that ended it.
    // oxlint-disable-next-line typescript/no-deprecated -- there is no other sign of it
    if (isComposing === true || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !isTouch()) {
      event.preventDefault();
      void submit();
    } else if (event.key === "ArrowUp" && event.currentTarget.value === "") {
      const last = thread.state.get().rows.findLast(({ canChange }) => canChange);
      if (last === undefined) return;
      event.preventDefault();
      onEdit(last);
    } else if (event.key === "Escape" && editing !== null) {
      event.preventDefault();
      event.stopPropagation();
      onEdit(null);
    }
  }

  return (
    <form
      {...{ id: "composer", part: "composer", autoComplete: "off" }}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
        field.current?.focus();
      }}
    >
      {editing !== null && <Editing onEnd={() => onEdit(null)} />}
      <p id="composer-problem" className="problem" role="alert" hidden={problem === ""}>
        {problem}
      </p>
      <textarea
        {...{
          ref: field,
          id: "text",
          part: "input",
          rows: 1,
          dir: "auto",
          "aria-label": `Message to ${title}`,
          placeholder: "Message",
        }}
        {...{ enterKeyHint: isTouch() ? "enter" : "send", onInput, onKeyDown, onBlur: () => thread.typing(false) }}
      />
      <button type="submit" className="round" part="send" aria-label={editing === null ? "Send" : "Save"}>
        <Icon name="send" />
      </button>
      <BytesLeft left={textBytesMax - bytes} />
    </form>
  );
});

const Editing = ({ onEnd }: { readonly onEnd: () => void }): ReactNode => (
  <p className="editing">
    <Icon name="write" />
    <span>Change the message</span>
    <button type="button" className="plain round" aria-label="Leave it as it was" onClick={onEnd}>
      <Icon name="close" />
    </button>
  </p>
);

const BytesLeft = ({ left }: { readonly left: number }): ReactNode =>
  left < leftShownBytes && (
    <p className={left < 0 ? "left problem" : "left"} role="status">
      {left < 0 ? `${-left} bytes too long` : `${left} bytes left`}
    </p>
  );

/** @throws ClientError if the message is not being sent. */
async function send(thread: Thread, text: string, onSent: () => void): Promise<void> {
  const { kept, accepted } = thread.send(text);
  // The thread shows it, with its reason.
  accepted.catch(() => {});
  onSent();
  try {
    await kept;
  } catch (error) {
    // The client puts it back if nothing else was typed since; here it comes before that.
    const typed = thread.draft.get();
    if (!typed.includes(text)) thread.draft.set(typed === "" ? text : `${text}\n${typed}`);
    throw error;
  }
}

type Change = { readonly text: string; readonly onDone: () => void };

/** @throws TooLate if it was sent by then: the text goes on as a message of its own. */
async function change(thread: Thread, row: ThreadRow, { text, onDone }: Change): Promise<void> {
  const done = await thread.edit(row.id, text);
  onDone();
  if (done === "edited") return;
  if (thread.draft.get() === "") thread.draft.set(text);
  throw new TooLate();
}

class TooLate extends Error {}

function problemOf(error: unknown): string {
  if (error instanceof TooLate) return "It was sent before it could be changed.";
  if (!(error instanceof ClientError)) return "The message could not be sent.";
  switch (error.code) {
    case "too_large":
      return "This is too long for one message: please split it.";
    case "outbox_full":
      return "Too many messages wait to be sent.";
    case "storage_full":
      return "This browser’s storage is full: the message was not kept, and is not being sent.";
    case "storage_failed":
      return "This browser could not store the message: it is not being sent.";
    default:
      return error.message;
  }
}

function grow(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}
