/** Shortens an input as long as it still shows its finding (delta debugging). */

/**
 * Minimises an input.
 *
 * @param isInteresting Tells if an input still shows the finding
 * @returns an input without removable stretches, in which all letters that do not matter are `a`
 */
export function minimise(input: string, isInteresting: (input: string) => boolean): string {
  let smallest = withoutLines(input, isInteresting);
  for (let size = Math.ceil(input.length / 2); size >= 1; ) {
    const smaller = withoutStretch(smallest, size, isInteresting);
    if (smaller !== undefined) smallest = smaller;
    else size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return soften(smallest, isInteresting);
}

function withoutLines(input: string, isInteresting: (input: string) => boolean): string {
  const lines = input.split(/(?<=\r\n)/);
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const fewer = lines.toSpliced(index, 1);
    if (isInteresting(fewer.join(''))) lines.splice(index, 1);
  }
  return lines.join('');
}

function withoutStretch(
  input: string,
  size: number,
  isInteresting: (input: string) => boolean,
): string | undefined {
  for (let start = 0; start < input.length; start += size) {
    const candidate = input.slice(0, start) + input.slice(start + size);
    if (isInteresting(candidate)) return candidate;
  }
  return undefined;
}

/** Replaces letters that do not matter, so that the others stand out. */
function soften(input: string, isInteresting: (input: string) => boolean): string {
  let softened = input;
  for (let index = 0; index < input.length; index += 1) {
    const candidate = `${softened.slice(0, index)}a${softened.slice(index + 1)}`;
    if (/[a-z]/i.test(softened[index] ?? '') && isInteresting(candidate)) softened = candidate;
  }
  return softened;
}
