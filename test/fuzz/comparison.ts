/**
 * Compares two readings, and finds where they differ.
 *
 * Rule 1: nothing is excused here; reasons.ts says which differences are allowed.
 * Rule 2: a head or content that neither has given out is no difference: refusing it and waiting for its end have the
 *         same effect.
 */
import type { Message, Reading } from './reading.ts';

/** The kind of a difference. `stricter`: we refuse what node accepts; `laxer`: the reverse; `framing`: both go on. */
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

/** Kinds after which both recipients are still at the same octet. */
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

/** Finds the differences in order. After one that is not ALIGNED nothing can be compared. */
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

/** Tells if two readings of the same octets have equal messages, ending and code. */
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

/** One reading has a message that the other lacks. */
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
    // A refusal may come some octets early, if the content before it is the same.
    if (ours.ending === 'refused' && theirs.content.startsWith(our.content)) return undefined;
    return node.ending === 'refused' && our.content.startsWith(theirs.content) ? 'laxer' : 'framing';
  }
  if (our.end === undefined) return ours.ending === 'refused' ? 'stricter' : 'framing';
  return node.ending === 'refused' ? 'laxer' : 'framing';
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
