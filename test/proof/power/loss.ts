import type { Chance } from "../sim/chance.ts";

/** The unsynced changes that a disk has when the power goes. */
export type Loss =
  /** All of them: the process was killed, the machine was not. */
  | { readonly kind: "all" }
  | { readonly kind: "none" }
  /** Those up to one of them, over all files; that one is torn. */
  | { readonly kind: "prefix" }
  /** Any of the writes, each whole. Of two writes to one place the later may be missing: reordering can do no more. */
  | { readonly kind: "writes"; readonly share: number }
  /** Any of the 512-byte sectors of the writes; sometimes one is torn. */
  | { readonly kind: "sectors"; readonly share: number };

export function drawLoss(chance: Chance): Loss {
  const share = chance.pick([0.1, 0.5, 0.9, 0.98]);
  const drawn = chance.unit();
  if (drawn < 0.05) return { kind: "all" };
  if (drawn < 0.3) return { kind: "none" };
  if (drawn < 0.5) return { kind: "prefix" };
  return { kind: drawn < 0.75 ? "writes" : "sectors", share };
}

export const describeLoss = (loss: Loss): string => ("share" in loss ? `${loss.kind} ${loss.share}` : loss.kind);
