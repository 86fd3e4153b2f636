/**
 * The fuzzer as a program: `npm run fuzz -- --inputs 2000000 --connections 20000 --seed 1`.
 *
 * Inputs go through our parser and node's, then connections through a server. The exit code is 1 after a finding, a
 * leaked socket or a logged line. A finding is printed as a case for test/corpus, with its seed and index.
 */
import { parseArgs } from 'node:util';
import { type CampaignResult, runCampaign } from './campaign.ts';
import { formatFinding, formatOctets } from './finding-format.ts';
import { type LoopbackResult, runLoopback } from './loopback.ts';
import { REASONS } from './reasons.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    findings: { type: 'string', default: '10' },
  },
});

// Each refused input makes an error, which is much cheaper without a stack.
Error.stackTraceLimit = 0;
const seed = Number(values.seed);
console.log(`Node ${process.version}, seed ${seed}`);

const campaign = measure(() =>
  runCampaign({
    seed,
    inputs: Number(values.inputs),
    maxFindings: Number(values.findings),
    onProgress: (count) => process.stderr.write(`\r${count} inputs`),
  }),
);
printCampaign(campaign.result, campaign.seconds());
const loopback = measure(() => runLoopback({ seed, connections: Number(values.connections) }));
printLoopback(await loopback.result, loopback.seconds());

function measure<Result>(run: () => Result): { result: Result; seconds(): string } {
  const began = performance.now();
  return { result: run(), seconds: () => ((performance.now() - began) / 1000).toFixed(1) };
}

function printCampaign(result: CampaignResult, seconds: string): void {
  const { inputs, octets, messages, findings, reasons } = result;
  console.log(`\n${inputs} inputs, ${octets} octets, ${messages} requests accepted, in ${seconds} s`);
  console.log('Differences from node:http, by reason:');
  for (const { id, sentence, source } of REASONS) {
    console.log(`${String(reasons.get(id) ?? 0).padStart(9)}  ${id}: ${sentence} (${source})`);
  }
  console.log(`Findings: ${findings.length}`);
  for (const finding of findings) console.log(formatFinding(finding));
  if (findings.length > 0) process.exitCode = 1;
}

function printLoopback(result: LoopbackResult, seconds: string): void {
  const { behaviours, answers, findings, leaked, log } = result;
  const counts = Object.entries(behaviours).map(([behaviour, count]) => `${count} ${behaviour}`);
  console.log(`\nConnections: ${counts.join(', ')}; ${answers} answers as predicted, in ${seconds} s`);
  console.log(`Sockets left: ${leaked}; lines on wsgi.errors: ${log.length}; findings: ${findings.length}`);
  for (const line of log.slice(0, 10)) console.log(line);
  for (const { index, behaviour, input, message } of findings) {
    const head = `\n## ${behaviour} (seed ${seed}, connection ${index})`;
    console.log([head, '', '```http', formatOctets(input), '```', '', message].join('\n'));
  }
  if (findings.length + leaked + log.length > 0) process.exitCode = 1;
}
