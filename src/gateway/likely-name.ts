/** Finds the name that somebody meant who wrote another one. */

/** Names that people know from elsewhere, with the names that they mean. */
export type Synonyms = Readonly<Record<string, string>>;

/**
 * Gives the known name that a name stands for elsewhere, or that a typing error may have made into it.
 *
 * @returns undefined if none is near
 */
export function likelyName(name: string, known: readonly string[], synonyms: Synonyms): string | undefined {
  return lookUp(synonyms, name) ?? nearest(name, known);
}

/** Reads a table. Names come from outside, so inherited members do not count. */
export function lookUp(table: Synonyms, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(4, Math.ceil(name.length / 3));
  for (const candidate of known) {
    const cost = distance(name.toLowerCase(), candidate.toLowerCase());
    if (cost >= least) continue;
    least = cost;
    best = candidate;
  }
  return best;
}

/** Counts the characters to insert, delete, replace, or swap with the next (optimal string alignment). */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let index = 0; index < left.length; index += 1) {
    const next = [index + 1];
    for (let column = 0; column < right.length; column += 1) {
      const replaced = (row[column] ?? 0) + (right[column] === left[index] ? 0 : 1);
      const isSwapped = right[column] === left[index - 1] && right[column - 1] === left[index];
      const swapped = isSwapped ? (before[column - 1] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row.at(-1) ?? 0;
}
