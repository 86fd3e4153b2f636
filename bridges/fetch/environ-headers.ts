/**
 * The headers of a request, read from its environ.
 *
 * `get` and `has` look up a key. Everything else makes the runtime's `Headers` once, and asks that from then on.
 *
 * The environ is the request: what middleware has changed there counts. Names that never become a key, such as those with
 * `_`, are shown as received.
 */
import { fieldRules, hasUnderscores, isToken, NameMemory } from '../../src/gateway/index.ts';
import type { Environ } from '../../src/index.ts';
import { standInFor } from './stand-in.ts';

/** The runtime's class, whatever takes its global name later. */
const RealHeaders = globalThis.Headers;

/** Keys by field name; `''` if only real headers can answer, or refuse the name. */
const keys = new NameMemory<string>((name) => {
  if (!isToken(name) || name.toLowerCase() === 'set-cookie') return '';
  const { key, kind } = fieldRules.get(name);
  return kind === 'drop' || kind === 'underscore' ? '' : key;
});

/** Field names in lower case by key; `''` if the key is no field. */
const names = new NameMemory<string>((key) => {
  if (key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH') return key.toLowerCase().replace('_', '-');
  return key.startsWith('HTTP_') ? key.slice('HTTP_'.length).toLowerCase().replaceAll('_', '-') : '';
});

/** Headers over an environ. */
export class EnvironHeaders {
  readonly #environ: Readonly<Environ>;
  #real: Headers | undefined;

  constructor(environ: Readonly<Environ>) {
    this.#environ = environ;
  }

  /** The headers as an object of the runtime, which has all further changes. */
  get real(): Headers {
    this.#real ??= realHeaders(this.#environ);
    return this.#real;
  }

  /** Takes other headers in place of the environ's: those of a real request that was made of these. */
  adopt(real: Headers): void {
    this.#real = real;
  }

  get(name: string): string | null {
    if (this.#real !== undefined || typeof name !== 'string') return this.real.get(name);
    const key = keys.get(name);
    return key === '' ? this.real.get(name) : valueAt(this.#environ, key);
  }

  has(name: string): boolean {
    if (this.#real !== undefined || typeof name !== 'string') return this.real.has(name);
    const key = keys.get(name);
    return key === '' ? this.real.has(name) : valueAt(this.#environ, key) !== null;
  }
}

standInFor(EnvironHeaders.prototype, RealHeaders.prototype, (self) => self.real);

function valueAt(environ: Readonly<Environ>, key: string): string | null {
  const value = environ[key];
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : String(value);
  // RFC 3875 §4.1: these two are absent if they are empty.
  if (text === '') return key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH' ? null : text;
  return isBlank(text.charCodeAt(0)) || isBlank(text.charCodeAt(text.length - 1)) ? trim(text) : text;
}

/** HTTP whitespace (Fetch §2.2). */
function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d;
}

function trim(value: string): string {
  return value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
}

/** @throws TypeError if middleware has put a value into the environ that no field can have */
function realHeaders(environ: Readonly<Environ>): Headers {
  const headers = new RealHeaders();
  for (const key of Object.keys(environ)) {
    const name = names.get(key);
    const value = name === '' ? null : valueAt(environ, key);
    if (value !== null) headers.append(name, value);
  }
  appendKeyless(headers, environ['gateway.raw_headers']);
  return headers;
}

/** Appends the received lines whose names never become a key. */
function appendKeyless(headers: Headers, lines: readonly string[] | undefined): void {
  if (!Array.isArray(lines)) return;
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const name: string = lines[index] ?? '';
    const { kind } = fieldRules.get(name);
    const isKeyless = kind === 'drop' || (kind === 'underscore' && !hasUnderscores(lines));
    if (isKeyless && isToken(name)) headers.append(name, lines[index + 1] ?? '');
  }
}
