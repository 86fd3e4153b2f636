/**
 * A difference with what there is to judge it by: both readings, and the octets of the message it is about.
 *
 * Rule 1: the octets are taken apart in the crudest way, and with nothing from src: a reason that asked the parser
 *         under test whether it is right would always hear yes.
 */
import type { Difference } from './comparison.ts';
import { type Message, type Reading, startOf } from './reading.ts';

export interface Dispute {
  readonly difference: Difference;
  readonly ours: Reading;
  readonly node: Reading;
  /** From the first octet of the message that is not an empty line, to the end of the input. */
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

/** What node made of the message. */
export function theirMessage({ node, difference }: Dispute): Message | undefined {
  return node.messages[difference.index];
}

export function requestLine({ lines }: Dispute): string {
  return lines[0] ?? '';
}

/** What stands between the first two spaces. */
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

/** All that looks like a chunk line: a size with something behind it. */
export function extendedChunkLines({ text }: Dispute): string[] {
  return text.split('\r\n').filter((line) => /^[0-9a-f]+[^0-9a-f]/i.test(line));
}
