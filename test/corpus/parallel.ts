/**
 * Runs all items, at most `limit` at a time.
 *
 * @returns promises of the results, in the order of the items
 */
export function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result>[] {
  const lanes: Promise<unknown>[] = Array.from({ length: limit }, () => Promise.resolve());
  return items.map((item, index) => {
    const result = (lanes[index % limit] ?? Promise.resolve()).then(() => run(item));
    lanes[index % limit] = result.catch(() => {});
    return result;
  });
}
