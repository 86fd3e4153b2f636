/** Formats findings, close to the notation of test/corpus. */
import { type Finding, tryInput } from './campaign.ts';
import { minimise } from './minimiser.ts';
import { Random } from './random.ts';
import type { Reading } from './reading.ts';

/** Formats a finding, with an input that is as short as possible. */
export function formatFinding({ difference, input, ours, node, seed, index }: Finding): string {
  // The same random numbers as in the campaign cut the input as there, as long as it has the same length.
  const retry = (text: string) => tryInput(text, new Random(seed, index));
  const signature = (text: string): string => {
    const trial = retry(text);
    return trial.unexplained === undefined
      ? ''
      : [trial.unexplained.kind, trial.ours.code, trial.node.code].join();
  };
  const wanted = signature(input);
  const shortest = wanted === '' ? input : minimise(input, (text) => signature(text) === wanted);
  const readings = wanted === '' ? { ours, node } : retry(shortest);
  return [
    `\n## ${difference.kind}, message ${difference.index} (seed ${seed}, input ${index})`,
    '',
    '```http',
    formatOctets(shortest),
    '```',
    '',
    `- here: ${formatReading(readings.ours)}`,
    `- node: ${formatReading(readings.node)}`,
  ].join('\n');
}

/** Octets in the notation of test/corpus: none invisible, each CRLF at the end of a line. */
export function formatOctets(input: string): string {
  return input
    .replaceAll('\\', '\\\\')
    .replace(/[^\x20-\x7e]/g, (octet) => NAMES[octet] ?? `\\x${hexadecimal(octet)}`)
    .replaceAll('\\r\\n', '\\r\\n\n')
    .replace(/ $/gm, '\\x20')
    .trimEnd();
}

const NAMES: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0' };

function hexadecimal(octet: string): string {
  return octet.charCodeAt(0).toString(16).padStart(2, '0');
}

function formatReading({ messages, ending, code, at }: Reading): string {
  const list = messages.map(({ method, target, content, end }) => {
    return `${method} ${target} ${JSON.stringify(content)} ${end === undefined ? '…' : `to ${end}`}`;
  });
  return [...list, `${ending} ${code} at ${at}`].join('; ');
}
