/** Splits an HTML page into tags (HTML, Tokenization), as far as its forms need them. */

/** Attributes by name in lower case. */
export type Attributes = ReadonlyMap<string, string>;

const TAG = /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g;
const ATTRIBUTE = /([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;

/** Elements that contain text alone. */
const RAW = new Set(['script', 'style', 'textarea', 'title']);

/** One tag, and the text after it. */
export interface Tag {
  readonly name: string;
  readonly isEnd: boolean;
  /** As the page has them. */
  readonly attributes: string;
  /** The text up to the next tag, or all the text of an element that contains text alone. */
  readonly text: string;
}

/** Reads the tags of a page in order, without comments. */
export function* readTags(html: string): Generator<Tag> {
  const tags = new RegExp(TAG);
  for (let match = tags.exec(html); match !== null; match = tags.exec(html)) {
    const [, slash, rawName, attributes = ''] = match;
    if (rawName === undefined) continue;
    const name = rawName.toLowerCase();
    const isEnd = slash === '/';
    const isRaw = !isEnd && RAW.has(name);
    const rest = html.slice(tags.lastIndex);
    const end = isRaw ? rest.search(new RegExp(`</${name}`, 'i')) : rest.indexOf('<');
    const text = end === -1 ? rest : rest.slice(0, end);
    if (isRaw) tags.lastIndex += text.length;
    yield { name, isEnd, attributes, text };
  }
}

/**
 * Reads the attributes of a tag.
 *
 * @throws TypeError if a value has an unknown character reference
 */
export function readAttributes(text: string): Attributes {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    const key = name.toLowerCase();
    // The first of two counts.
    if (!attributes.has(key)) attributes.set(key, decodeReferences(double ?? single ?? bare ?? ''));
  }
  return attributes;
}

/** The references that templates write; pages in UTF-8 need no others. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\xa0',
};

/**
 * Decodes character references.
 *
 * @throws TypeError if one is unknown
 */
export function decodeReferences(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z][a-z0-9]*));/gi, (whole, hex, decimal, name) => {
    if (name === undefined) return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
    const character = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    if (character === undefined)
      throw new TypeError(`Reader of forms does not know ${whole}; write the character itself`);
    return character;
  });
}
