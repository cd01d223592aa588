import type { ServerFrame } from "./frame.ts";

/** Any frame that carries no changes. */
export const encodeFrame = (frame: Exclude<ServerFrame, { type: "changes" }>): string => JSON.stringify(frame);

/** A `changes` frame from encoded changes: one text serves every connection. */
export const encodeChanges = (cursor: string, more: boolean, changes: readonly string[]): string =>
  `{"type":"changes","cursor":"${cursor}","more":${more},"changes":[${changes.join(",")}]}`;

/** Bytes of a `changes` frame beside its changes and their commas. */
export const changesOverheadBytes = 128;
