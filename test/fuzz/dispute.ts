/**
 * A difference with the material to judge it: both readings, and the octets of the message.
 *
 * Rule 1: the octets are split in the crudest way and without code from src, because the parser under test must not
 *         confirm itself.
 */
import type { Difference } from './comparison.ts';
import { type Message, type Reading, startOf } from './reading.ts';

export interface Dispute {
  readonly difference: Difference;
  readonly ours: Reading;
  readonly node: Reading;
  /** From the first octet after the empty lines before the message, to the end of the input. */
  readonly text: string;
  /** The lines of its head. */
  readonly lines: readonly string[];
  /** Empty lines before it. */
  readonly emptyLines: number;
}

export function createDispute(
  input: string,
  difference: Difference,
  readings: { readonly ours: Reading; readonly node: Reading },
): Dispute {
  const rest = input.slice(startOf(readings.ours, difference.index));
  const text = rest.replace(/^(?:\r\n)+/, '');
  const headEnd = text.indexOf('\r\n\r\n');
  const lines = (headEnd === -1 ? text : text.slice(0, headEnd)).split('\r\n');
  return { difference, ...readings, text, lines, emptyLines: (rest.length - text.length) / 2 };
}

/** Node's reading of the message. */
export function theirMessage({ node, difference }: Dispute): Message | undefined {
  return node.messages[difference.index];
}

export function requestLine({ lines }: Dispute): string {
  return lines[0] ?? '';
}

/** The text between the first two spaces. */
export function targetOf(dispute: Dispute): string {
  return requestLine(dispute).split(' ')[1] ?? '';
}

/** The values of a field in the head, with their whitespace. */
export function valuesOf({ lines }: Dispute, lowerCaseName: string): string[] {
  return lines
    .filter((line) => line.toLowerCase().startsWith(`${lowerCaseName}:`))
    .map((line) => line.slice(lowerCaseName.length + 1));
}

/** The elements of a list field, over all its lines. */
export function elementsOf(dispute: Dispute, lowerCaseName: string): string[] {
  return valuesOf(dispute, lowerCaseName)
    .flatMap((value) => value.split(','))
    .map((element) => element.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
}

/** All lines that look like a chunk size with more text after it. */
export function extendedChunkLines({ text }: Dispute): string[] {
  return text.split('\r\n').filter((line) => /^[0-9a-f]+[^0-9a-f]/i.test(line));
}
