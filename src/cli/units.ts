/** Reads numbers as people write them in flags and variables: `30s`, `16k`, `auto`. */

/** Milliseconds of a unit of time. */
const TIMES: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Octets of a unit of size. */
const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 };

/**
 * Reads a time: `500`, `500ms`, `30s`, `5m`, `1h`.
 *
 * @returns milliseconds; undefined if it is none
 */
export function parseTime(text: string): number | undefined {
  return parseWithUnit(text, /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/i, TIMES);
}

/**
 * Reads a size: `16384`, `16k`, `1m`, `1g`, each with `b` or `ib` behind it as one likes.
 *
 * @returns octets; undefined if it is none
 */
export function parseSize(text: string): number | undefined {
  return parseWithUnit(text, /^(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?$/i, SIZES);
}

/** Reads a count. */
export function parseCount(text: string): number | undefined {
  if (/^infinity$/i.test(text)) return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Reads the mode of a file, in octal digits: `660`, `0o660`. */
export function parseMode(text: string): number | undefined {
  return /^(?:0o?)?[0-7]{3}$/.test(text) ? Number.parseInt(text.replace(/^0o?/, ''), 8) : undefined;
}

function parseWithUnit(
  text: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | undefined {
  if (/^infinity$/i.test(text)) return Number.POSITIVE_INFINITY;
  const [, number, unit = ''] = pattern.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}
