/** Whether two servers did the same with a plan, but for what is another on ours on purpose. */
import { isCut, type Outcome, type Plan } from './duel.ts';
import { isAtOnce } from './program.ts';
import type { Entry } from './scope.ts';

/** Tells how the outcomes differ; undefined if they do not. */
export function compare(plan: Plan, node: Outcome, ours: Outcome): string | undefined {
  // What comes after it cannot be told apart, and here it is cut off (RFC 9112 §6.3, §8).
  if (breaksLength(plan, node.wire)) return undefined;
  const lines: string[] = [];
  if (!plan.request.isPipelined && node.records.length !== ours.records.length) {
    lines.push(`${node.records.length} requests on node:http, ${ours.records.length} here`);
  }
  // Which of two pipelined requests is called when is the server's affair; the octets are not.
  if (!plan.request.isPipelined) {
    const [expected = [], actual = []] = [node.records[0], ours.records[0]];
    for (const view of viewsFor(plan)) lines.push(...differences(view(expected), view(actual)));
  }
  // Of a response that is cut off before its end more or less may have left.
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
 * What must be the same.
 *
 * PEP 3333: content is not read before somebody wants it, where node reads ahead. So the messages are looked at one by
 * one, and what a request knows of its end is compared only where everything happens in one turn of the event loop.
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

/** Whether the content is longer or shorter than its declared length. */
function breaksLength({ request }: Plan, wire: string): boolean {
  const start = wire.indexOf('HTTP/1.1 ', wire.lastIndexOf('HTTP/1.1 10') + 1);
  const end = wire.indexOf('\r\n\r\n', start);
  const head = wire.slice(start, end);
  const declared = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (declared === undefined || request.method === 'HEAD' || /^\S+ (204|304)/.test(head)) return false;
  const length = request.isPipelined ? wire.indexOf('HTTP/1.1 ', end) - end - 4 : wire.length - end - 4;
  return length !== Number(declared);
}
