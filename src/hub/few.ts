/** A set that has one item most of the time, and is to cost little then. An iteration finds all that stay in it while it goes on. */
export class Few<Item> {
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
