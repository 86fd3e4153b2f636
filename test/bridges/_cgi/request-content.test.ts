import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openContent, type RequestContent } from '../../../bridges/_cgi/request-content.ts';
import { createEnviron, disconnected, type Environ } from './environ.ts';

const BUFFERED = { isStreamed: false, maxBuffered: 1_000_000 };

async function readAll(content: RequestContent): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let piece = await content.pull(); piece !== null; piece = await content.pull()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Descriptors of temporary files of this process. */
function temporaryFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('gatebridge-');
    } catch {
      return false;
    }
  }).length;
}

// Of this file alone: other tests make temporary files too.
process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'gatebridge-content-'));
const named = (): string[] => readdirSync(tmpdir());
afterAll(() => rmSync(tmpdir(), { recursive: true }));

async function openAndRead(
  environ: Environ,
  options = BUFFERED,
): Promise<[length: number | undefined, size: number]> {
  const content = await openContent(environ, options);
  const { length } = await readAll(content);
  await content.close();
  return [content.length, length];
}

describe('openContent()', () => {
  it('reads content of known length only when it is pulled, and not an octet further', async () => {
    let pulls = 0;
    const environ = createEnviron(
      ['Content-Length', '5'],
      ['abc', 'defgh'].map((text) => () => {
        pulls += 1;
        return Buffer.from(text);
      }),
    );
    const content = await openContent(environ, BUFFERED);
    expect([content.length, pulls]).toEqual([5, 0]);
    expect(String(await readAll(content))).toBe('abcde');
    await content.close();
  });

  it('finds no content where there is none', async () => {
    expect(await openAndRead(createEnviron([], []))).toEqual([0, 0]);
    expect(await openAndRead(createEnviron(['Content-Length', '0'], []))).toEqual([0, 0]);
    // A server that promises no end, and no length.
    const environ: Environ = { ...createEnviron([], [() => Buffer.from('next request')]) };
    delete environ['wsgi.input_terminated'];
    expect(await openAndRead(environ)).toEqual([0, 0]);
  });

  it.each([1, 65_536, 65_537, 900_000])('takes %i octets of unknown length in', async (size) => {
    const before = named();
    const text = Buffer.alloc(size, 'content');
    const blocks = Array.from({ length: Math.ceil(size / 50_000) }, (_, at) => {
      return () => text.subarray(at * 50_000, (at + 1) * 50_000);
    });
    const content = await openContent(createEnviron([], blocks), BUFFERED);
    expect(content.length).toBe(size);
    expect(temporaryFiles()).toBe(size > 65_536 ? 1 : 0);
    expect(named()).toEqual(before);
    expect(text.equals(await readAll(content))).toBe(true);
    await content.close();
    expect(temporaryFiles()).toBe(0);
  });

  it('refuses too much with 413, and leaves no file', async () => {
    const environ = createEnviron(
      [],
      Array(30).fill(() => Buffer.alloc(50_000)),
    );
    await expect(openContent(environ, BUFFERED)).rejects.toMatchObject({
      code: 'WSGI_ERR_CONTENT_TOO_LARGE',
      statusCode: 413,
    });
    expect(temporaryFiles()).toBe(0);
  });

  it('passes the failure of a client on, and leaves no file', async () => {
    const environ = createEnviron([], [() => Buffer.alloc(100_000), disconnected]);
    await expect(openContent(environ, BUFFERED)).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
    expect(temporaryFiles()).toBe(0);
  });

  it('streams content of unknown length if it is asked to', async () => {
    const environ = createEnviron(
      [],
      Array(30).fill(() => Buffer.alloc(50_000)),
    );
    expect(await openAndRead(environ, { ...BUFFERED, isStreamed: true })).toEqual([undefined, 1_500_000]);
    expect(await openAndRead(createEnviron([], []), { ...BUFFERED, isStreamed: true })).toEqual([0, 0]);
  });

  it('does not take content for complete that has ended early', async () => {
    const content = await openContent(
      createEnviron(['Content-Length', '9'], [() => Buffer.from('abc')]),
      BUFFERED,
    );
    await expect(readAll(content)).rejects.toMatchObject({ code: 'WSGI_ERR_CONTENT_INCOMPLETE' });
  });
});
