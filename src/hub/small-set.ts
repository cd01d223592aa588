/** A set that mostly has one item, and takes little memory then. An iteration visits each item that stays in it until the end. */
export class SmallSet<Item> {
  private one: Item | null = null;
  private others: Set<Item> | null = null;

  add(item: Item): void {
    if (this.one === item) return;
    if (this.one === null && this.others === null) this.one = item;
    else (this.others ??= new Set()).add(item);
  }

  delete(item: Item): void {
    if (this.one === item) this.one = null;
    else if (this.others?.delete(item) === true && this.others.size === 0) this.others = null;
  }

  get size(): number {
    return (this.one === null ? 0 : 1) + (this.others?.size ?? 0);
  }

  *[Symbol.iterator](): Generator<Item, void> {
    if (this.one !== null) yield this.one;
    if (this.others !== null) yield* this.others;
  }
}
