/**
 * Reads the corpus: octets that clients send, and their outcomes, in Markdown that README.md explains.
 *
 * Rule 1: this file only reads. The tests feed the cases to a parser or a server.
 * Rule 2: any text that is no case is an error, so that no case is lost.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeOctets, decodePieces, type Piece } from './octets.ts';
import { type Outcome, parseOutcome } from './outcome.ts';
import { parseScript, type Script } from './script.ts';

/** One sequence of octets and its outcome. */
export interface CorpusCase {
  /** The number of its page. */
  readonly requirement: number;
  /** The title of its page. */
  readonly page: string;
  /** The heading, and the variant. */
  readonly name: string;
  /** The reason, with its source. */
  readonly note: string;
  /** Limits of the parser; the server has options of the same names. */
  readonly limits: Readonly<Record<string, number | boolean>>;
  /** The application; by default it reads everything and answers 200. */
  readonly script: Script | undefined;
  readonly octets: Buffer;
  /** The same octets, cut where the client waits. */
  readonly pieces: readonly Piece[];
  readonly outcome: Outcome;
}

const HOLE = '{}';
const CASE =
  /^([^\n]+)\n\n(.+?)\n\n(?:Limits: ([^\n]+)\n\n)?(?:Application: ([^\n]+)\n\n)?```http\n(.*?)\n```\n\n(.+)$/s;
const ROW = /^\| (?:`(.*)`)? \| (.+) \|$/;

/** Reads all cases. */
export function readCorpus(): CorpusCase[] {
  const folder = import.meta.dirname;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.http.md'))
    .sort()
    .flatMap((name) => parsePage(readFileSync(join(folder, name), 'utf8')));
}

function parsePage(page: string): CorpusCase[] {
  const [title = '', ...sections] = page.split(/^## /m);
  const [, number = '', name = ''] = /^# ([0-9]+)\. (.+)/.exec(title) ?? [];
  if (number === '') throw new Error(`Page begins with no number: ${title}`);
  return sections.flatMap((section) => parseCase(section, { requirement: Number(number), page: name }));
}

function parseCase(section: string, page: Pick<CorpusCase, 'requirement' | 'page'>): CorpusCase[] {
  const match = CASE.exec(section);
  if (match === null) throw new Error(`Case cannot be read: ${section}`);
  const [, heading = '', note = '', limits = '', application = '', block = '', outcomes = ''] = match;
  return parseVariants(outcomes.trim()).map(({ filling, outcome }) => {
    if ((block + application).includes(HOLE) !== (filling !== undefined)) {
      throw new Error(`Case needs a hole and its fillings, or neither: ${heading}`);
    }
    const fill = (text: string): string => text.replaceAll(HOLE, () => filling ?? '');
    return {
      ...page,
      name: filling === undefined ? heading : `${heading}: ${filling}`,
      note: note.replaceAll('\n', ' '),
      limits: parseLimits(limits),
      script: application === '' ? undefined : parseScript(fill(application)),
      octets: decodeOctets(fill(block)),
      pieces: decodePieces(fill(block)),
      outcome: parseOutcome(outcome),
    };
  });
}

interface Variant {
  readonly filling: string | undefined;
  readonly outcome: string;
}

function parseVariants(text: string): Variant[] {
  if (text.startsWith('Outcome: ')) return [{ filling: undefined, outcome: text.slice(9) }];
  const [head, rule, ...rows] = text.split('\n');
  if (head !== '| {} | outcome |' || rule !== '| --- | --- |')
    throw new Error(`Table cannot be read: ${text}`);
  return rows.map((row) => {
    const match = ROW.exec(row);
    if (match === null) throw new Error(`Row cannot be read: ${row}`);
    return { filling: match[1] ?? '', outcome: match[2] ?? '' };
  });
}

function parseLimits(text: string): Record<string, number | boolean> {
  const pairs = text === '' ? [] : text.split(', ').map((pair) => pair.split(' '));
  return Object.fromEntries(
    pairs.map(([name, value = '']) => [name, value === 'false' ? false : Number(value)]),
  );
}
