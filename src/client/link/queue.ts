/** Handles items one after the other: those that come while one is handled wait until it is done. */
export function createQueue<Item>(handle: (item: Item) => void): (item: Item) => void {
  const items: Item[] = [];
  return (item) => {
    // The item that is handled stays in the list meanwhile.
    if (items.push(item) > 1) return;
    for (let next: Item | undefined = item; next !== undefined; next = items[0]) {
      handle(next);
      items.shift();
    }
  };
}
