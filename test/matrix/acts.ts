/** The acts that each pair is put through. */
import { expect } from 'vitest';
import { createMarks } from './marks.ts';
import type { Act, ClientResponse, Program, Site } from './matrix.ts';

/** Octets of every value, more than fit into one piece on most ways. */
const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256));

/** The acts. */
export const ACTS: readonly Act[] = [
  {
    name: 'GET',
    sentence:
      'A path with an escaped letter, a query and a field reach the program. The answer has a status, a text and two cookies.',
    run: greet,
  },
  {
    name: 'POST',
    sentence:
      '100,000 octets of every value reach the program, with their length and where the protocol can without it, and come back.',
    run: echo,
  },
  {
    name: 'stream',
    sentence:
      'The first pieces of an answer are at the client while the program still waits to send the last.',
    run: stream,
  },
  {
    name: 'abort',
    sentence:
      'A client leaves in the middle of such an answer. The program learns of it: `close()` is called, and what the program has for it.',
    run: abort,
  },
  {
    name: 'error',
    sentence:
      'The program fails. The client gets a 500, or a 502 if the program has died. It fails in the middle of an answer: the client does not take that for a whole one. Each time the host answers the next request.',
    run: error,
  },
];

async function greet(site: Site): Promise<void> {
  const response = await site.send({ path: '/greet/J%C3%BCrgen?x=1', fields: { 'X-Word': 'two words' } });
  expect(response.status).toBe(200);
  expect(await readText(response)).toBe('GET Jürgen ?x=1 two words');
  const cookies = response.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  expect(cookies.map((cookie) => cookie.split(';')[0])).toEqual(['a=1', 'b=2']);
  expect(response.fields.find(([name]) => name === 'content-type')?.[1]).toMatch(
    /^text\/plain; ?charset=utf-8$/i,
  );
}

async function echo(site: Site): Promise<void> {
  for (const hasUnknownLength of [false, true]) {
    const fields = { 'Content-Type': 'application/x-own' };
    const request = { method: 'POST', path: '/echo', fields, content: CONTENT, hasUnknownLength };
    const response = await site.send(request);
    expect(response.status).toBe(201);
    expect(response.fields.find(([name]) => name === 'content-type')?.[1]).toMatch(/^application\/x-own/);
    expect((await readAll(response)).equals(CONTENT)).toBe(true);
  }
}

async function stream(site: Site): Promise<void> {
  const marks = createMarks();
  const response = await site.send({ path: '/stream', fields: { 'X-Marks': marks.path } });
  expect(response.status).toBe(200);
  const reader = new Reader(response);
  await reader.until('first.');
  await reader.until('.');
  expect(marks.hasEnded()).toBe(false);
  marks.go();
  expect(await reader.rest()).toMatch(/^first\.+last$/);
  expect(await marks.ending()).toBe('finished');
}

async function abort(site: Site): Promise<void> {
  const marks = createMarks();
  const response = await site.send({ path: '/stream', fields: { 'X-Marks': marks.path } });
  const reader = new Reader(response);
  await reader.until('first.');
  await response.leave();
  expect(await marks.ending()).toBe('left');
  await greet(site);
}

async function error(site: Site, { failure, hidesLateFailure }: Program): Promise<void> {
  const response = await site.send({ path: '/fail' });
  expect(response.status).toBe(failure);
  await readAll(response);
  await greet(site);
  if (!hidesLateFailure) expect(await seesFailure(site)).toBe(true);
  await greet(site);
}

/** Tells if the client sees that a program has failed in the middle of its answer: by a status, or by an end that is none. */
export async function seesFailure(site: Site): Promise<boolean> {
  try {
    const response = await site.send({ path: '/break' });
    await readAll(response);
    return response.status >= 500;
  } catch {
    return true;
  }
}

/** Reads a response piece by piece. */
class Reader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #text = '';
  #looked = 0;

  constructor({ content }: ClientResponse) {
    this.#pieces = content[Symbol.asyncIterator]();
  }

  /** Reads until a text comes, after the last one that was looked for. */
  async until(text: string): Promise<void> {
    while (!this.#text.includes(text, this.#looked))
      if (!(await this.#read())) throw new Error(`${this.#text} has ended without ${text}`);
    this.#looked = this.#text.indexOf(text, this.#looked) + text.length;
  }

  async rest(): Promise<string> {
    while (await this.#read());
    return this.#text;
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (!done) this.#text += Buffer.from(value).toString('latin1');
    return !done;
  }
}

/** Reads all of a response. */
export async function readAll({ content }: ClientResponse): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Reads all of a response as text. */
export async function readText(response: ClientResponse): Promise<string> {
  return (await readAll(response)).toString();
}
