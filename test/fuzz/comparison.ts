/**
 * Holds one reading against another, and says where they part.
 *
 * Rule 1: nothing is excused here. What may differ, and why, is the affair of reasons.ts.
 * Rule 2: what neither has given out, a head or content, is no difference: to refuse it and to wait for its end lead
 *         to the same.
 */
import type { Message, Reading } from './reading.ts';

/** What differs. `stricter`: we refuse what node accepts; `laxer`: the reverse; `framing`: both go on, differently. */
export type DifferenceKind =
  | 'stricter'
  | 'laxer'
  | 'framing'
  | 'method'
  | 'target'
  | 'version'
  | 'fields'
  | 'trailers'
  | 'persistence'
  | 'upgrade'
  | 'segmentation'
  | 'crash';

/** Kinds after which both recipients still stand at the same octet. */
export const ALIGNED: ReadonlySet<DifferenceKind> = new Set<DifferenceKind>([
  'method',
  'target',
  'version',
  'fields',
  'trailers',
  'upgrade',
]);

export interface Difference {
  readonly kind: DifferenceKind;
  /** The number of the message, from 0. */
  readonly index: number;
}

/** Finds the differences, in their order; after one that is not ALIGNED there is nothing left to compare. */
export function* compareReadings(ours: Reading, node: Reading): Generator<Difference> {
  for (let index = 0; ; index += 1) {
    const our = ours.messages[index];
    const theirs = node.messages[index];
    if (our === undefined || theirs === undefined) {
      if (our !== theirs) yield { kind: compareEndings(ours, node, our === undefined), index };
      return;
    }
    for (const kind of compareHeads(our, theirs)) yield { kind, index };
    const kind = compareContents(ours, node, our, theirs);
    if (kind !== undefined) {
      yield { kind, index };
      return;
    }
    if (!sameList(our.trailers, theirs.trailers)) yield { kind: 'trailers', index };
    if (our.isPersistent !== theirs.isPersistent) {
      yield { kind: 'persistence', index };
      return;
    }
    if (our.end === undefined) return;
  }
}

/** Tells whether two readings of the same octets are the same to the last detail. */
export function sameReading(one: Reading, other: Reading): boolean {
  return (
    one.ending === other.ending &&
    one.code === other.code &&
    one.messages.length === other.messages.length &&
    one.messages.every((message, index) => sameMessage(message, other.messages[index]))
  );
}

function sameMessage(one: Message, other: Message | undefined): boolean {
  return (
    other !== undefined &&
    [...compareHeads(one, other)].length === 0 &&
    one.isPersistent === other.isPersistent &&
    one.content === other.content &&
    one.end === other.end &&
    sameList(one.trailers, other.trailers)
  );
}

function* compareHeads(our: Message, theirs: Message): Generator<DifferenceKind> {
  if (our.method !== theirs.method) yield 'method';
  if (our.target !== theirs.target) yield 'target';
  if (our.version !== theirs.version) yield 'version';
  if (!sameList(our.fields, theirs.fields)) yield 'fields';
  if (our.isUpgrade !== theirs.isUpgrade) yield 'upgrade';
}

/** One of them has a message where the other has none. */
function compareEndings(ours: Reading, node: Reading, isTheirs: boolean): DifferenceKind {
  if (isTheirs) return ours.ending === 'refused' ? 'stricter' : 'framing';
  return node.ending === 'refused' ? 'laxer' : 'framing';
}

function compareContents(
  ours: Reading,
  node: Reading,
  our: Message,
  theirs: Message,
): DifferenceKind | undefined {
  if (our.end !== undefined && theirs.end !== undefined) {
    return our.end === theirs.end && our.content === theirs.content ? undefined : 'framing';
  }
  if (theirs.end === undefined && our.end === undefined) {
    if (ours.ending === 'refused' && node.ending === 'waiting') return 'stricter';
    if (our.content === theirs.content) return undefined;
    // Who refuses may do so some octets earlier than the other, but has understood all before as the other did.
    if (ours.ending === 'refused' && theirs.content.startsWith(our.content)) return undefined;
    return node.ending === 'refused' && our.content.startsWith(theirs.content) ? 'laxer' : 'framing';
  }
  if (our.end === undefined) return ours.ending === 'refused' ? 'stricter' : 'framing';
  return node.ending === 'refused' ? 'laxer' : 'framing';
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
