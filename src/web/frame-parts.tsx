import type { ReactNode } from "react";
import type { Target } from "../client/index.ts";
import type { OpenThreads } from "./open-threads.ts";
import { People } from "./people.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { StatusLine } from "./status-line.tsx";
import type { View } from "./surface.tsx";

/** What is around a thread. The page loads it beside its first messages. */
export type FrameParts = {
  readonly StatusLine: () => ReactNode;
  readonly People: (props: {
    readonly self: string;
    readonly target: Target | null;
    readonly threads: OpenThreads;
  }) => ReactNode;
  readonly Shortcuts: (props: { readonly target: Target | null; readonly view: View }) => ReactNode;
};

function Shortcuts({ target, view }: { readonly target: Target | null; readonly view: View }): null {
  useShortcuts(target, view);
  return null;
}

export const frameParts: FrameParts = { StatusLine, People, Shortcuts };
