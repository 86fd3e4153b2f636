/**
 * A campaign: reads many inputs with our parser, whole and in pieces, and with node:http, and compares the readings.
 */
import { ALIGNED, compareReadings, type Difference, sameReading } from './comparison.ts';
import { createDispute } from './dispute.ts';
import { generateInput } from './generator.ts';
import { readWithNode } from './node-reading.ts';
import { type ReadingOptions, readWithOurs } from './our-reading.ts';
import { Random } from './random.ts';
import type { Reading } from './reading.ts';
import { findReason } from './reasons.ts';

/** A difference without a reason. */
export interface Finding {
  readonly difference: Difference;
  readonly input: string;
  readonly ours: Reading;
  readonly node: Reading;
  /** Seed and index reproduce the input. */
  readonly seed: number;
  readonly index: number;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Stops after this many findings. */
  readonly maxFindings: number;
  /** Called once every 100,000 inputs. */
  onProgress?(count: number): void;
}

export interface CampaignResult {
  readonly inputs: number;
  readonly octets: number;
  /** Messages that our parser accepted. */
  readonly messages: number;
  readonly findings: readonly Finding[];
  /** Uses of each reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

const PROGRESS_INTERVAL = 100_000;

/** The result of one input. */
export interface Trial {
  readonly ours: Reading;
  readonly node: Reading;
  /** Ids of the reasons that explain differences. */
  readonly reasons: readonly string[];
  /** The first difference without a reason. */
  readonly unexplained: Difference | undefined;
}

export function runCampaign(options: CampaignOptions): CampaignResult {
  const reasons = new Map<string, number>();
  const findings: Finding[] = [];
  let octets = 0;
  let messages = 0;
  let index = 0;
  for (; index < options.inputs && findings.length < options.maxFindings; index += 1) {
    const random = new Random(options.seed, index);
    const input = generateInput(random);
    const trial = tryInput(input, random);
    const { ours, node, unexplained } = trial;
    if (unexplained !== undefined) {
      findings.push({ difference: unexplained, input, ours, node, seed: options.seed, index });
    }
    for (const id of trial.reasons) reasons.set(id, (reasons.get(id) ?? 0) + 1);
    octets += input.length;
    messages += ours.messages.length;
    if ((index + 1) % PROGRESS_INTERVAL === 0) options.onProgress?.(index + 1);
  }
  return { inputs: index, octets, messages, findings, reasons };
}

/** Reads an input in all ways. */
export function tryInput(input: string, random: Random): Trial {
  const octets = Buffer.from(input, 'latin1');
  const options: ReadingOptions = { allowConnect: random.once(4) };
  const ours = readWithOurs(octets, [octets.length], options);
  const node = readWithNode(octets, cutAtEnds(ours, octets.length));
  const found = (kind: Difference['kind'], index: number): Trial => {
    return { ours, node, reasons: [], unexplained: { kind, index } };
  };
  if (ours.ending === 'crashed') return found('crash', ours.messages.length);
  const pieces = random.once(20) ? octets.length : random.pick([2, 2, 3, 8, 32]);
  const inPieces = readWithOurs(octets, random.cuts(octets.length, pieces), options);
  if (!sameReading(ours, inPieces)) return found('segmentation', ours.messages.length);
  return { ours, node, ...explain(input, ours, node) };
}

/** The last octet of each of our messages is a piece of its own, so that node can be seen to agree on the end. */
function cutAtEnds(ours: Reading, length: number): number[] {
  const ends: number[] = [];
  for (const { end } of ours.messages) if (end !== undefined) ends.push(end - 1, end);
  if (ends.at(-1) !== length) ends.push(length);
  return ends;
}

function explain(input: string, ours: Reading, node: Reading): Pick<Trial, 'reasons' | 'unexplained'> {
  const reasons: string[] = [];
  for (const difference of compareReadings(ours, node)) {
    const reason = findReason(createDispute(input, difference, { ours, node }));
    if (reason === undefined) return { reasons, unexplained: difference };
    reasons.push(reason.id);
    if (!ALIGNED.has(difference.kind)) break;
  }
  return { reasons, unexplained: undefined };
}
