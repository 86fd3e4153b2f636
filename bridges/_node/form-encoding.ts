/**
 * Encodes parsed form fields as `application/x-www-form-urlencoded` again.
 *
 * Parsers forget how a form was written: `a=1&a=2` and `a[]=1&a[]=2` both become a list, and brackets may have been
 * escaped or not. That matters to readers that do not know brackets, so the spelling is chosen that has the declared
 * length.
 */

type Field = [name: string, value: string];

/**
 * Encodes fields as a form, nested ones with brackets: `a[b][]=1`.
 *
 * @param fields The strings, lists and objects that a parser made of a form
 * @param length The octets of the form, if known
 * @returns ASCII text
 */
export function encodeForm(fields: object, length?: number): string {
  const written: string[] = [];
  for (const isRepeating of [true, false]) {
    const pairs: Field[] = [];
    for (const [name, value] of Object.entries(fields)) {
      if (isRepeating && isFlatList(value)) {
        for (const item of value) pairs.push([name, toText(item)]);
      } else {
        addField(pairs, name, value);
      }
    }
    // Browsers send the URL standard's form; others leave the brackets as they are.
    const escaped = pairs.map((pair) => new URLSearchParams([pair]).toString()).join('&');
    const plain = pairs.map(writeWithBrackets).join('&');
    written.push(escaped, plain);
  }
  return written.find((text) => text.length === length) ?? written[0] ?? '';
}

/** A list of one was written with brackets; without them it would be no list. */
function isFlatList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 1 && !value.some(isNested);
}

function addField(pairs: Field[], name: string, value: unknown): void {
  if (Array.isArray(value)) {
    // A list of objects needs numbers: in `a[][b]=1&a[][c]=2` nothing tells if b and c belong together.
    const isNumbered = value.some(isNested);
    for (const [index, item] of value.entries()) addField(pairs, `${name}[${isNumbered ? index : ''}]`, item);
  } else if (isNested(value)) {
    for (const [key, item] of Object.entries(value)) addField(pairs, `${name}[${key}]`, item);
  } else {
    pairs.push([name, toText(value)]);
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function toText(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

function writeWithBrackets([name, value]: Field): string {
  const escaped = new URLSearchParams([[name, '']]).toString().slice(0, -1);
  const text = new URLSearchParams([['', value]]).toString();
  return `${escaped.replaceAll('%5B', '[').replaceAll('%5D', ']')}${text}`;
}
