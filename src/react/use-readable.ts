"use client";
import { useSyncExternalStore } from "react";
import type { Readable } from "../client/readable.ts";

/**
 * The present value of any `Readable`; renders again when it changes. `server`: what a server renders, and the browser while it takes that over; by
 * default the present value. Make the readable once, not in each render.
 *
 * @example
 * const typed = useReadable(thread.draft, "");
 */
export function useReadable<Value>(readable: Readable<Value>, server?: Value): Value {
  const onServer = server === undefined ? readable.get : (): Value => server;
  return useSyncExternalStore(readable.subscribe, readable.get, onServer);
}
