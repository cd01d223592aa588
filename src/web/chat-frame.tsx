import { type ReactNode, useMemo } from "react";
import type { Target } from "../client/index.ts";
import { useClient } from "../react/index.ts";
import { createOpenThreads } from "./open-threads.ts";
import type { FrameParts } from "./frame-parts.tsx";
import { useIsDrawn } from "./hooks.ts";
import { useSurface, type View } from "./surface.tsx";
import { ThreadView } from "./thread-view.tsx";

export type ChatFrameProps = {
  /** Null: they are being loaded. */
  readonly parts: FrameParts | null;
  readonly view: View;
  /** The open conversation; in a list alone, the chosen one. */
  readonly target: Target | null;
  /** The message of it to begin at. */
  readonly seq: number | null;
  /** True: the field of a thread takes the focus when the thread is opened. */
  readonly takesFocus: boolean;
  /** What is above the list. */
  readonly head?: ReactNode;
};

/** The chat of a known user: the conversations, and the open one. */
export function ChatFrame({ parts, view, target, seq, takesFocus, head }: ChatFrameProps): ReactNode {
  const client = useClient();
  const { isPage } = useSurface();
  const threads = useMemo(createOpenThreads, [client]);
  // Beside an open conversation the list comes after its messages.
  const hasSide = useIsDrawn() || target === null || view === "list";
  const Part = isPage ? "main" : "div";
  const shown = view === "full" ? (target === null ? "people" : "chat") : view === "list" ? "people" : "chat";
  return (
    <div id="app" data-view={shown} data-parts={view}>
      {parts !== null && <parts.StatusLine />}
      {parts !== null && <parts.Shortcuts target={target} view={view} />}
      {view !== "thread" && (
        <div id="side">
          {hasSide && head}
          {hasSide && parts !== null && <parts.People {...{ self: client.user, target, threads }} />}
        </div>
      )}
      {view !== "list" &&
        (target === null ? (
          <Part id="chat" className="nothing">
            <p>Choose somebody, or write to somebody new.</p>
          </Part>
        ) : (
          <ThreadView
            key={"with" in target ? `with ${target.with}` : `id ${target.conversation}`}
            {...{ target, seq, threads, takesFocus, hasList: view === "full" }}
          />
        ))}
    </div>
  );
}
