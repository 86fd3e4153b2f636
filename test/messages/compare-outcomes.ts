/** Compares what two servers did with one plan, apart from the differences that are intended. */

import { isAtOnce } from './program.ts';
import type { Entry } from './program-context.ts';
import { isCut, type Outcome, type Plan } from './run-plan.ts';

/** Describes how the outcomes differ; undefined if they do not. */
export function compareOutcomes(plan: Plan, node: Outcome, ours: Outcome): string | undefined {
  // Our server cuts off content that breaks its length: a client could not find what follows it (RFC 9112 §6.3, §8).
  if (breaksLength(plan, node.wire)) return undefined;
  const lines: string[] = [];
  if (!plan.request.isPipelined && node.records.length !== ours.records.length) {
    lines.push(`${node.records.length} requests on node:http, ${ours.records.length} here`);
  }
  // Servers may call the program for pipelined requests at different moments; only the octets must be the same.
  if (!plan.request.isPipelined) {
    const [expected = [], actual = []] = [node.records[0], ours.records[0]];
    for (const view of viewsFor(plan)) lines.push(...differences(view(expected), view(actual)));
  }
  // More or less of a response that is cut off may have left.
  const isCutOff = isCut(plan) && node.wire.startsWith(ours.wire) && !isComplete(plan, node.wire);
  if (node.wire !== ours.wire && !isCutOff) {
    lines.push(`- ${JSON.stringify(node.wire)}`, `+ ${JSON.stringify(ours.wire)}`);
  }
  if (node.isClosed !== ours.isClosed)
    lines.push(`closed: ${node.isClosed} on node:http, ${ours.isClosed} here`);
  return lines.length === 0 ? undefined : lines.join('\n');
}

type View = (record: readonly Entry[]) => string[];

/**
 * Selects what must be the same.
 *
 * The gateway reads content only when the program wants it (PEP 3333); node reads ahead. So each message is compared
 * by itself, and the end of a request only where the whole program runs in one turn of the event loop.
 */
function viewsFor({ request, watch, operations }: Plan): View[] {
  if (isAtOnce(operations) && request.content === 'none' && watch === 'all')
    return [(record) => format(record)];
  return [
    (record) =>
      format(
        record,
        (entry) => entry.party !== 'request',
        (name) => !name.startsWith('req.'),
      ),
    (record) =>
      format(
        record,
        (entry) => entry.party === 'request',
        () => false,
      ),
  ];
}

function format(
  record: readonly Entry[],
  isSeen: (entry: Entry) => boolean = () => true,
  isCompared: (property: string) => boolean = () => true,
): string[] {
  const lines: string[] = [];
  const seen = new Map<string, string>();
  const latest = new Map<string, string>();
  for (const entry of record) {
    for (const [name, value] of entry.changes) if (isCompared(name)) latest.set(name, value);
    if (!isSeen(entry)) continue;
    const changes = [...latest].filter(([name, value]) => seen.get(name) !== value);
    for (const [name, value] of changes) seen.set(name, value);
    const text = changes
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(' ');
    lines.push(text === '' ? entry.text : `${entry.text} {${text}}`);
  }
  return lines;
}

function differences(node: readonly string[], ours: readonly string[]): string[] {
  const length = Math.max(node.length, ours.length);
  const index = Array.from({ length }).findIndex((_, at) => node[at] !== ours[at]);
  if (index === -1) return [];
  return [
    ...node.slice(0, index).map((line) => `  ${line}`),
    ...node.slice(index).map((line) => `- ${line}`),
    ...ours.slice(index).map((line) => `+ ${line}`),
  ];
}

function isComplete(plan: Plan, wire: string): boolean {
  return /^content-length: /im.test(wire) ? !breaksLength(plan, wire) : wire.endsWith('0\r\n\r\n');
}

/** Tells if the content is longer or shorter than its declared length. */
function breaksLength({ request }: Plan, wire: string): boolean {
  const start = wire.indexOf('HTTP/1.1 ', wire.lastIndexOf('HTTP/1.1 10') + 1);
  const end = wire.indexOf('\r\n\r\n', start);
  const head = wire.slice(start, end);
  const declared = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (declared === undefined || request.method === 'HEAD' || /^\S+ (204|304)/.test(head)) return false;
  const length = request.isPipelined ? wire.indexOf('HTTP/1.1 ', end) - end - 4 : wire.length - end - 4;
  return length !== Number(declared);
}
