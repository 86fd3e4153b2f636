/**
 * The fuzzer as a program: `npm run fuzz -- --inputs 2000000 --seed 1`.
 *
 * It ends with 1 if there is a finding. A finding is printed as a case for test/corpus, with the seed and the index
 * that make the input again.
 */
import { parseArgs } from 'node:util';
import { type Finding, runCampaign, tryInput } from './campaign.ts';
import { minimise } from './minimiser.ts';
import { Random } from './random.ts';
import type { Reading } from './reading.ts';
import { REASONS } from './reasons.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    findings: { type: 'string', default: '10' },
  },
});

// An error for each input that is refused: without a stack it costs a tenth.
Error.stackTraceLimit = 0;
const seed = Number(values.seed);
const began = performance.now();
const result = runCampaign({
  seed,
  inputs: Number(values.inputs),
  maxFindings: Number(values.findings),
  onProgress: (count) => process.stderr.write(`\r${count} inputs`),
});
const seconds = ((performance.now() - began) / 1000).toFixed(1);

console.log(`\nNode ${process.version}, seed ${seed}: ${result.inputs} inputs in ${seconds} s`);
console.log(
  `${result.octets} octets, ${result.messages} messages accepted, ${result.findings.length} findings`,
);
for (const { id, sentence, source } of REASONS) {
  console.log(`${String(result.reasons.get(id) ?? 0).padStart(9)}  ${id}: ${sentence} (${source})`);
}
for (const finding of result.findings) console.log(describeFinding(finding));
process.exitCode = result.findings.length > 0 ? 1 : 0;

function describeFinding(finding: Finding): string {
  const { difference, index } = finding;
  const signature = (input: string): string => {
    const { unexplained, ours, node } = tryInput(input, new Random(seed, index));
    return unexplained === undefined ? '' : [unexplained.kind, ours.code, node.code].join();
  };
  const wanted = signature(finding.input);
  const input = wanted === '' ? finding.input : minimise(finding.input, (text) => signature(text) === wanted);
  const { ours, node } = wanted === '' ? finding : tryInput(input, new Random(seed, index));
  return [
    `\n## ${difference.kind}, message ${difference.index} (seed ${seed}, input ${index})\n`,
    '```http',
    escapeOctets(input),
    '```',
    `ours: ${describeReading(ours)}`,
    `node: ${describeReading(node)}`,
  ].join('\n');
}

/** Octets as text: CR and LF visible, each CRLF at the end of a line. */
function escapeOctets(input: string): string {
  return JSON.stringify(input)
    .slice(1, -1)
    .replace(/[\x7f-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`)
    .replaceAll('\\u00', '\\x')
    .replaceAll('\\r\\n', '\\r\\n\n')
    .trimEnd();
}

function describeReading({ messages, ending, code, at }: Reading): string {
  const list = messages.map(
    ({ method, target, content, end }) => `${method} ${target} ${JSON.stringify(content)} to ${end}`,
  );
  return [...list, `${ending} ${code} at ${at}`].join('; ');
}
