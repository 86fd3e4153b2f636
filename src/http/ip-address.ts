/** IP addresses as text and as numbers (RFC 3986 §3.2.2, RFC 4291 §2.2). */

const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV4_ADDRESS = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;
const GROUPS = 8;
/** `::ffff:0:0/96` as groups. */
const MAPPED_PREFIX = '0,0,0,0,0,65535';

/** Tells if a text is an IPv4 address: four numbers up to 255, without zeros in front. */
export function isIPv4(text: string): boolean {
  return IPV4_ADDRESS.test(text);
}

/**
 * Parses an IPv6 address: eight groups, the last two perhaps as IPv4; one `::` replaces at least one. It has no zone.
 *
 * @returns the groups; undefined if the text is no such address
 */
export function parseIPv6(text: string): number[] | undefined {
  const gap = text.indexOf('::');
  if (gap === -1) {
    const groups = parseGroups(text, true);
    return groups?.length === GROUPS ? groups : undefined;
  }
  const before = gap === 0 ? [] : parseGroups(text.slice(0, gap), false);
  const rest = text.slice(gap + 2);
  const after = rest === '' ? [] : parseGroups(rest, true);
  if (before === undefined || after === undefined) return undefined;
  const missing = GROUPS - before.length - after.length;
  if (missing < 1) return undefined;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
}

/** Parses groups between colons; undefined if one is malformed. */
function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const end = mayEndInIPv4 && isIPv4(last) ? last.split('.').map(Number) : [];
  if (end.length > 0) parts.pop();
  if (!parts.every((part) => GROUP.test(part))) return undefined;
  const groups = parts.map((part) => Number.parseInt(part, 16));
  for (let index = 0; index < end.length; index += 2) {
    groups.push((end[index] ?? 0) * 256 + (end[index + 1] ?? 0));
  }
  return groups;
}

/**
 * Formats an IPv6 address as operating systems do (RFC 5952): lower case, the longest run of zeros as `::`, and the end
 * of an IPv4-mapped one as IPv4.
 *
 * @param groups Eight numbers
 */
export function formatIPv6(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(GROUPS - 2);
  if (groups.slice(0, GROUPS - 2).join() === MAPPED_PREFIX) {
    return `::ffff:${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
  }
  const { start, length } = longestRunOfZeros(groups);
  const texts = groups.map((group) => group.toString(16));
  // RFC 5952 §4.2.2: one group alone is not shortened.
  if (length < 2) return texts.join(':');
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`;
}

/** Finds the first of the longest runs. */
function longestRunOfZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index + 1 - length, length };
  }
  return best;
}
