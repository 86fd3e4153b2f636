/** Formats field lines and remembers them: most fields repeat their value of the last response. */
import { LastValue, NameMemory, ownCopy } from '../../gateway/name-memory.ts';
import type { HeaderList } from '../../wsgi.ts';

/** The last line with a name. */
interface LastLine {
  readonly last: LastValue;
  /** The whole line, once the value has been repeated. */
  line: string | undefined;
}

const lastLines = new NameMemory<LastLine>(() => ({ last: new LastValue(), line: undefined }));

/** Formats checked fields as lines with CRLF (RFC 9112 §5). */
export function formatFieldLines(headers: HeaderList): string {
  let lines = '';
  // By index and without destructuring, which would make two iterators for each field (V8 11).
  for (let index = 0; index < headers.length; index += 1) {
    const pair = headers[index] ?? NO_FIELD;
    lines += formatFieldLine(pair[0], pair[1]);
  }
  return lines;
}

const NO_FIELD = ['', ''] as const;

function formatFieldLine(name: string, value: string): string {
  const known = lastLines.get(name);
  if (known.last.value === value) {
    known.line ??= ownCopy(join(name, value));
    return known.line;
  }
  if (known.last.change(value)) known.line = undefined;
  return join(name, value);
}

function join(name: string, value: string): string {
  return `${name}: ${value}\r\n`;
}
