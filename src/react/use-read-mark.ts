"use client";
import { useEffect, useRef } from "react";
import type { Thread, ThreadRow } from "../client/api.ts";
import { whenSeen } from "./seen.ts";

/**
 * The ref for the element of a row: marks the row as read when it is on screen, in a document that is visible and has the focus.
 *
 * @example
 * const ref = useReadMark(thread, row);
 */
export function useReadMark<Type extends object>(
  thread: Thread,
  { seq, state }: Pick<ThreadRow, "seq" | "state">,
): { current: Type | null } {
  // Not a `RefObject`, which differs between the types of React 18 and 19.
  const ref = useRef<Type>(null);
  useEffect(() => {
    const isRead = seq === null || seq <= thread.state.get().own.read;
    if (isRead || state !== "received" || ref.current === null) return;
    return whenSeen(ref.current, () => thread.markRead(seq));
  }, [thread, seq, state]);
  return ref;
}
