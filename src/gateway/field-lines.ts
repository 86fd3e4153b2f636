/** Rewrites field lines (name, value, name, value, …) where only some fields have changed. */

/** New values by the identity of a field; an empty list removes the field. */
export type FieldChanges = ReadonlyMap<string, readonly string[]>;

/** How {@link rewriteLines} tells fields apart. */
export interface FieldIdentity {
  /** Gives the identity of a field name; undefined for a line that is never changed. */
  identify(name: string): string | undefined;
  /** Gives a field name for an identity. */
  nameOf(identity: string): string;
}

/**
 * Puts new values in place of the first line of each changed field, drops its other lines, and adds new fields at the
 * end. All other lines keep their place, order and case.
 */
export function rewriteLines(
  lines: readonly string[],
  changes: FieldChanges,
  { identify, nameOf }: FieldIdentity,
): string[] {
  const rewritten: string[] = [];
  const pending = new Map(changes);
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const name = lines[index] ?? '';
    const identity = identify(name);
    if (identity === undefined || !changes.has(identity)) {
      rewritten.push(name, lines[index + 1] ?? '');
      continue;
    }
    for (const value of pending.get(identity) ?? []) rewritten.push(name, value);
    pending.delete(identity);
  }
  for (const [identity, values] of pending) {
    for (const value of values) rewritten.push(nameOf(identity), value);
  }
  return rewritten;
}

/** Gives the values of a field that a program has set: none, one, or one for each item of a list. */
export function valuesOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
