import type { Settle } from "../store.ts";

/** The further one of two marks of one kind, with the callbacks of both. */
export function furthest<Mark extends { readonly settle?: Settle | undefined }>(
  mark: Mark,
  { waiting, isFurther }: { readonly waiting: Mark | undefined; readonly isFurther: boolean },
): Mark {
  if (waiting === undefined) return mark;
  const kept = isFurther ? mark : waiting;
  if (mark.settle === undefined && waiting.settle === undefined) return kept;
  return { ...kept, settle: both(waiting.settle, mark.settle) };
}

const both =
  (one: Settle | undefined, other: Settle | undefined): Settle =>
  (isStored) => {
    one?.(isStored);
    other?.(isStored);
  };

/** Removes some marks, at most `max`. */
export function takeFrom<Item>(
  waiting: Map<string, Item>,
  { max, keys }: { readonly max: number; readonly keys: Iterable<string> },
): Item[] {
  const taken: Item[] = [];
  for (const key of keys) {
    if (taken.length === max) break;
    const item = waiting.get(key);
    if (item !== undefined) taken.push(item);
    waiting.delete(key);
  }
  return taken;
}
