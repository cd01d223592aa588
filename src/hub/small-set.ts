/** A set that mostly has one item, and takes little memory then. An iteration visits each item that stays in it until the end. */
export class SmallSet<Item> {
  private one: Item | null = null;
  private others: Set<Item> | null = null;

  add(item: Item): void {
    if (this.one === item) return;
    if (this.one === null && this.others === null) this.one = item;
    else (this.others ??= new Set()).add(item);
  }

  /** Whether the item was in it. */
  delete(item: Item): boolean {
    if (this.one === item) {
      this.one = null;
      return true;
    }
    if (this.others?.delete(item) !== true) return false;
    if (this.others.size === 0) this.others = null;
    return true;
  }

  get size(): number {
    return (this.one === null ? 0 : 1) + (this.others?.size ?? 0);
  }

  /** Calls `visit` for each item, faster than an iteration. */
  each(visit: (item: Item) => void): void {
    if (this.one !== null) visit(this.one);
    if (this.others !== null) for (const item of this.others) visit(item);
  }

  *[Symbol.iterator](): Generator<Item, void> {
    if (this.one !== null) yield this.one;
    if (this.others !== null) yield* this.others;
  }
}
