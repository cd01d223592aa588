import { Component, createRef, type ReactNode } from "react";
import type { ThreadState } from "../client/index.ts";
import { Icon } from "./icon.tsx";

export type ScrollerProps = {
  readonly state: ThreadState;
  readonly name: string;
  /** The message to begin at. */
  readonly sought: number | null;
  readonly children: ReactNode;
  readonly onBefore: () => void;
  readonly onAfter: () => void;
  readonly onNewest: () => void;
};

/** Where the view goes as soon as that part is there. `open`: to the first unread message, else to the end. */
type Aim = { readonly to: "open" } | { readonly to: "end" } | { readonly to: "seq"; readonly seq: number };

/** What stays where it is while rows come and go: the end, or a row at its distance from the top. */
type Anchor = "end" | { readonly key: string; readonly top: number };

const atEndPx = 48;
/** So many screens before an end of the window its next part is asked for. */
const screensAhead = 2;

/**
 * The scrolled part of a thread. The reader's place is held by hand: measured before rows come or go, corrected in the same frame. Browsers that do it
 * themselves do it differently, or not at all.
 */
export class Scroller extends Component<ScrollerProps, { readonly isAway: boolean }> {
  override state = { isAway: false };
  readonly #log = createRef<HTMLDivElement>();
  #aim: Aim | null = this.props.sought === null ? { to: "open" } : { to: "seq", seq: this.props.sought };
  #isAtEnd = true;
  readonly #resized = new ResizeObserver(() => {
    // The on-screen keyboard makes the view shorter, and what the reader was looking at stays in view.
    if (this.#isAtEnd) this.#toEnd();
    this.#loadAhead();
  });

  override componentDidMount(): void {
    if (this.#log.current !== null) this.#resized.observe(this.#log.current);
    this.#settle(null);
  }

  override componentWillUnmount(): void {
    this.#resized.disconnect();
  }

  override getSnapshotBeforeUpdate({ state }: ScrollerProps): Anchor | null {
    const log = this.#log.current;
    if (log === null || state.rows.length === 0) return null;
    if (state.after === "end" && isNearEnd(log)) return "end";
    const first = firstInView(log);
    return first === null ? null : { key: first.dataset["key"] ?? "", top: first.offsetTop - log.scrollTop };
  }

  override componentDidUpdate(_props: ScrollerProps, _state: object, anchor: Anchor | null): void {
    this.#settle(anchor);
  }

  /** Shows the end: what the reader has just sent, or has asked for. */
  toNewest(): void {
    this.#aim = { to: "end" };
    if (this.props.state.after !== "end") this.props.onNewest();
    this.#settle(null);
  }

  #settle(anchor: Anchor | null): void {
    const log = this.#log.current;
    if (log === null) return;
    if (this.#aim !== null && this.#reach(log, this.#aim)) this.#aim = null;
    else if (anchor === "end") this.#toEnd();
    else if (anchor !== null) {
      const row = log.querySelector<HTMLElement>(`[data-key="${CSS.escape(anchor.key)}"]`);
      const top = row === null ? log.scrollTop : row.offsetTop - anchor.top;
      if (top !== log.scrollTop) log.scrollTop = top;
    }
    this.#moved();
  }

  /** True: the view is where it should be. */
  #reach(log: HTMLElement, aim: Aim): boolean {
    const { rows, after, unread } = this.props.state;
    if (rows.length === 0) return false;
    if (aim.to === "seq") {
      const row = log.querySelector<HTMLElement>(`[data-seq="${aim.seq}"]`);
      // It does not exist, or cannot be had.
      if (row === null) return true;
      log.scrollTop = row.offsetTop - (log.clientHeight - row.offsetHeight) / 2;
      return true;
    }
    const divider = aim.to === "open" && unread > 0 ? log.querySelector<HTMLElement>(".divider") : null;
    if (divider !== null) log.scrollTop = divider.offsetTop - log.clientHeight / 5;
    else if (after === "end") log.scrollTop = log.scrollHeight;
    else return after === "unreachable" || aim.to === "open";
    return true;
  }

  #toEnd(): void {
    const log = this.#log.current;
    if (log !== null) log.scrollTop = log.scrollHeight;
  }

  readonly #moved = (): void => {
    const log = this.#log.current;
    if (log === null) return;
    this.#isAtEnd = this.props.state.after === "end" && isNearEnd(log);
    const isAway = !this.#isAtEnd && this.props.state.rows.length > 0;
    if (isAway !== this.state.isAway) this.setState({ isAway });
    this.#loadAhead();
  };

  #loadAhead(): void {
    const { state, onBefore, onAfter } = this.props;
    const log = this.#log.current;
    if (log === null || this.#aim !== null || log.clientHeight === 0) return;
    const ahead = screensAhead * log.clientHeight;
    if (state.before === "more" && log.scrollTop < ahead) onBefore();
    if (state.after === "more" && log.scrollHeight - log.scrollTop - log.clientHeight < ahead) onAfter();
  }

  override render(): ReactNode {
    const { state, name, children } = this.props;
    return (
      <>
        <div
          {...{ ref: this.#log, id: "log", part: "messages", role: "log", tabIndex: 0, onScroll: this.#moved }}
          {...{
            "aria-label": name,
            "aria-live": "off",
            "aria-busy": state.before === "loading" || state.after === "loading",
          }}
        >
          {children}
        </div>
        {this.state.isAway && (
          <button id="latest" type="button" onClick={() => this.toNewest()}>
            <Icon name="down" />
            {state.unread > 0 ? (
              <span>
                {state.unread} new {state.unread === 1 ? "message" : "messages"}
              </span>
            ) : (
              <span className="hidden">To the newest message</span>
            )}
          </button>
        )}
      </>
    );
  }
}

const isNearEnd = (log: HTMLElement): boolean => log.scrollHeight - log.scrollTop - log.clientHeight < atEndPx;

/** The first row that reaches into the view: found by halving, as rows are in order. */
function firstInView(log: HTMLElement): HTMLElement | null {
  const rows = log.querySelectorAll<HTMLElement>("[data-key]");
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && row.offsetTop + row.offsetHeight <= log.scrollTop) low = middle + 1;
    else high = middle;
  }
  return rows[low] ?? null;
}
