import { byId, setText, show } from "./view.ts";

export type ComposerOptions = {
  /** Takes a message; returns the reason for a refusal, or null. */
  readonly onSubmit: (text: string) => string | null;
  /** Called after each change, with whether there is text now. */
  readonly onInput: (hasText: boolean) => void;
};

/** The field for writing a message: it grows with the text, and Enter sends it on a device with a real keyboard. */
export function createComposer({ onSubmit, onInput }: ComposerOptions) {
  const text = byId<HTMLTextAreaElement>("text");
  const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

  function resize(): void {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
  }

  function tell(problem: string | null): void {
    show("composer-problem", problem !== null);
    setText(byId("composer-problem"), problem ?? "");
  }

  function submit(): void {
    // The server takes neither a NUL nor half a character.
    const content = text.value.replaceAll("\0", "").toWellFormed().trim();
    if (content === "") return;
    const problem = onSubmit(content);
    tell(problem);
    if (problem !== null) return;
    text.value = "";
    resize();
  }

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    text.focus();
  });
  text.addEventListener("keydown", (event) => {
    // On a phone Enter begins a line; the button sends.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || isTouch()) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("input", () => {
    resize();
    tell(null);
    onInput(text.value !== "");
  });

  return {
    /** Opens a conversation for writing; on a phone the keyboard stays closed until the field is touched. */
    focus(): void {
      if (!isTouch()) text.focus();
    },
  };
}
