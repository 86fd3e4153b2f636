/** Statistics of repeated measurements. */

/** Median, minimum and maximum. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** @throws RangeError if there are no values */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new RangeError('Nothing was measured');
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? least;
  const high = sorted[Math.ceil(middle)] ?? most;
  return { median: (low + high) / 2, least, most };
}
