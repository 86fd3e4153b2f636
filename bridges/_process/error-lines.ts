/** Passes what a program writes to standard error on to `wsgi.errors`, line by line. */
import { StringDecoder } from 'node:string_decoder';

/** Characters of a line; a longer one is cut into several. */
const MAX_LINE = 8_192;

/** Collects lines of text from octets. */
export class ErrorLines {
  readonly #take: (line: string) => void;
  /** Made with the first octets: most requests cause none. */
  #decoder: StringDecoder | undefined;
  #pending = '';

  /** @param take Takes each line without its end. Control characters are escaped: clients may have written them */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Takes the next octets. */
  push(octets: Uint8Array): void {
    this.#decoder ??= new StringDecoder('utf8');
    // The type asks for a Buffer; any view will do.
    this.#add(this.#decoder.write(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)));
  }

  /** Passes on what has no line end. */
  end(): void {
    if (this.#decoder === undefined) return;
    this.#add(this.#decoder.end());
    if (this.#pending !== '') this.#pass(this.#pending);
    this.#pending = '';
  }

  #add(text: string): void {
    const lines = `${this.#pending}${text}`.split('\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) this.#pass(line);
    while (this.#pending.length > MAX_LINE) {
      this.#take(escapeControls(this.#pending.slice(0, MAX_LINE)));
      this.#pending = this.#pending.slice(MAX_LINE);
    }
  }

  #pass(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    for (let start = 0; start === 0 || start < text.length; start += MAX_LINE) {
      this.#take(escapeControls(text.slice(start, start + MAX_LINE)));
    }
  }
}

function escapeControls(line: string): string {
  return line.replace(/(?!\t)\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
