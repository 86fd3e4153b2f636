/** Pipelined requests answered in one write: each response keeps its own content. */
import { afterEach, describe, expect, it } from 'vitest';
import { batch } from '../../src/server/socket/text-batch.ts';
import type { Environ, StartResponse } from '../../src/wsgi.ts';
import { get, type RunningServer, startServer } from './support.ts';

let running: RunningServer;

afterEach(() => running.stop());

/** Reads one response for each content and returns their contents. */
async function contentsOf(client: ReturnType<RunningServer['connect']>, count: number): Promise<string[]> {
  const contents: string[] = [];
  while (contents.length < count) contents.push((await client.readResponse()).content.toString('latin1'));
  return contents;
}

describe('a batch of responses', () => {
  it('keeps the octets that a buffer had when it was returned', async () => {
    const scratch = Buffer.alloc(8);
    running = await startServer((environ, startResponse) => {
      startResponse('200 OK', []);
      scratch.write(environ.PATH_INFO.slice(1).padEnd(8, '.'), 'latin1');
      environ['gateway.on_finished']?.(() => scratch.fill(0));
      return [scratch];
    });
    const client = running.connect();
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    client.send(names.map((name) => get(`/${name}`)).join(''));
    expect(await contentsOf(client, names.length)).toEqual(names.map((name) => name.padEnd(8, '.')));
  });

  it.each([
    ['empty and one octet', [0, 1, 0, 1, 1, 0]],
    ['small and large', [47, 48, 49, 2047, 2048, 2049, 10, 20_000, 10, 3000, 1, 100_000, 5]],
    ['more small ones than a batch holds', Array.from({ length: 100 }, () => 2048)],
  ])('keeps contents apart: %s', async (_name, lengths) => {
    const contents = lengths.map((length, index) => Buffer.alloc(length, 0x80 + index));
    running = await startServer((environ, startResponse) => {
      startResponse('200 OK', []);
      return [contents[Number(environ.PATH_INFO.slice(1))] ?? Buffer.alloc(0)];
    });
    const client = running.connect();
    client.send(lengths.map((_, index) => get(`/${index}`)).join(''));
    expect(await contentsOf(client, lengths.length)).toEqual(
      contents.map((content) => content.toString('latin1')),
    );
  });

  it('keeps chunks and their trailers in order', async () => {
    running = await startServer((environ, startResponse) => {
      startResponse('200 OK', []);
      return (function* () {
        yield Buffer.from('a');
        yield Buffer.from(environ.PATH_INFO);
      })();
    });
    const client = running.connect();
    client.send(['/1', '/22', '/333'].map(get).join(''));
    expect(await contentsOf(client, 3)).toEqual(['a/1', 'a/22', 'a/333']);
  });

  it('is not mixed with a response on another connection', async () => {
    const waiting: (() => void)[] = [];
    running = await startServer((environ: Environ, startResponse: StartResponse) => {
      if (environ.PATH_INFO === '/wait') {
        return (async function* () {
          const write = startResponse('200 OK', [['Content-Length', '8']]);
          await new Promise<void>((resolve) => {
            waiting.push(() => {
              // Writes at once, during the batch of the other connection.
              void write(Buffer.from('released'));
              resolve();
            });
          });
        })();
      }
      startResponse('200 OK', []);
      if (environ.PATH_INFO === '/3') for (const release of waiting) release();
      return [Buffer.from(environ.PATH_INFO)];
    });
    const [patient, busy] = [running.connect(), running.connect()];
    patient.send(get('/wait') + get('/after'));
    await expect.poll(() => waiting.length).toBe(1);
    busy.send(['/1', '/2', '/3', '/4', '/5'].map(get).join(''));
    expect(await contentsOf(busy, 5)).toEqual(['/1', '/2', '/3', '/4', '/5']);
    expect(await contentsOf(patient, 2)).toEqual(['released', '/after']);
  });
});

it('sends hints during a batch, even after a whole turn of octets', async () => {
  running = await startServer((environ, startResponse) => {
    if (environ.PATH_INFO === '/hints') environ['gateway.early_hints']?.([['Link', '</a>']]);
    startResponse('200 OK', []);
    return environ.PATH_INFO === '/hints' ? ['hinted'] : [Buffer.alloc(300_000)];
  });
  const client = running.connect();
  client.send(get('/much') + get('/hints'));
  expect((await client.readResponse()).content.length).toBe(300_000);
  expect((await client.readHead()).statusCode).toBe(103);
  expect((await client.readResponse()).content.toString()).toBe('hinted');
});

describe('the buffer of a batch', () => {
  const [one, other] = [{}, {}];

  it('belongs to one connection until its octets are taken', () => {
    expect(batch.add(one, 'a: ', Buffer.from('1'))).toBe(true);
    expect(batch.add(other, 'b: ', Buffer.from('2'))).toBe(false);
    expect(batch.take(other)).toBe('');
    expect(batch.add(one, ' c: ', Buffer.from('\xff', 'latin1'))).toBe(true);
    expect(batch.take(one)).toBe('a: 1 c: \xff');
    expect(batch.take(one)).toBe('');
    expect(batch.add(other, 'b: ', Buffer.from('2'))).toBe(true);
    expect(batch.take(other)).toBe('b: 2');
  });

  it('accepts no more than fits', () => {
    expect(batch.add(one, '', Buffer.alloc(65_536, 'x'))).toBe(true);
    expect(batch.add(one, '', Buffer.alloc(1))).toBe(false);
    expect(batch.take(one)).toBe('x'.repeat(65_536));
  });
});
