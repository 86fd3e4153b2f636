/** Large content both ways, with fast and slow readers and writers: nothing is lost, and little is buffered. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { expectAlike, type Visitor } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const UPLOAD = 50 * 1_048_576;
const DOWNLOAD = 100 * 1_048_576;
/** The most that kernel and client may buffer on a loopback connection. */
const IN_FLIGHT = 32 * 1_048_576;
const PIECE = Buffer.alloc(65_536, 'abcdefgh');

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'transfers-'));
  await writeFile(join(root, 'large.bin'), Buffer.alloc(30_000_000, 'file'));
});
afterAll(() => rm(root, { recursive: true }));

/** A gate, counters and the most that was buffered, by the name in the request. */
interface Meter {
  octets: number;
  held: number;
  open: () => void;
}

const meters = new Map<string, Meter>();

function meterOf(name: unknown): Meter {
  const key = String(name);
  const found = meters.get(key) ?? { octets: 0, held: 0, open: () => {} };
  meters.set(key, found);
  return found;
}

async function writeAll(res: Response, meter: Meter): Promise<void> {
  for (let rest = DOWNLOAD; rest > 0; rest -= PIECE.length) {
    const goesOn = res.write(PIECE);
    meter.octets += PIECE.length;
    meter.held = Math.max(meter.held, res.writableLength);
    if (!goesOn) await once(res, 'drain');
  }
  res.end();
}

const program = expressProgram((app, trail) => {
  app.post('/upload/:name', async (req, res) => {
    const meter = meterOf(req.params.name);
    const hash = createHash('sha256');
    const opened = new Promise<void>((resolve) => {
      meter.open = resolve;
    });
    let isFirst = true;
    for await (const piece of req) {
      meter.octets += piece.length;
      meter.held = Math.max(meter.held, req.readableLength);
      hash.update(piece);
      if (isFirst) await opened;
      isFirst = false;
    }
    trail.push(`complete ${req.complete}`);
    res.json([meter.octets, hash.digest('hex')]);
  });
  app.get('/download/:name', (req, res) => void writeAll(res, meterOf(req.params.name)));
  app.get('/piped/:name', async (req, res) => {
    const meter = meterOf(req.params.name);
    const pieces = Array(DOWNLOAD / PIECE.length).fill(PIECE);
    const counter = new Transform({
      transform(piece, _encoding, callback) {
        meter.octets += piece.length;
        meter.held = Math.max(meter.held, res.writableLength);
        callback(null, piece);
      },
    });
    res.set('Content-Length', `${DOWNLOAD}`);
    await pipeline(Readable.from(pieces), counter, res);
    trail.push('pipeline ended');
  });
  app.get('/file', (_req, res) => res.sendFile('large.bin', { root }));
  app.post('/echo', (req, res) => void req.pipe(res));
  app.get('/eager', (_req, res) => {
    // Ignores backpressure and waits for the end.
    for (let count = 0; count < 100; count += 1) res.write(PIECE);
    res.end(() => trail.push('all sent'));
  });
});

let names = 0;

async function upload(socket: Socket, sent: { octets: number }, isChunked: boolean): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.concat([Buffer.from(`${PIECE.length.toString(16)}\r\n`), PIECE, Buffer.from('\r\n')]);
  for (let rest = UPLOAD; rest > 0; rest -= PIECE.length) {
    hash.update(PIECE);
    if (!socket.write(isChunked ? chunk : PIECE)) await once(socket, 'drain');
    sent.octets += PIECE.length;
  }
  if (isChunked) socket.write('0\r\n\r\n');
  return hash.digest('hex');
}

/** Waits until a number stops growing. */
async function standstill(number: () => number): Promise<number> {
  for (let last = -1; last !== number(); await delay(60)) last = number();
  return number();
}

async function drain(visitor: Visitor, path: string, slowly: boolean): Promise<void> {
  names += 1;
  const meter = meterOf(names);
  const client = visitor.open(20_000);
  client.send(`GET ${path}/${names} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const head = await client.readHead();
  visitor.note(head.raw);
  // The client does not read, so the app comes to a halt.
  const ahead = await standstill(() => meter.octets);
  visitor.note(`ahead ${ahead < IN_FLIGHT}`);
  let length = 0;
  if (head.raw.includes('chunked')) {
    for (let chunk = await client.readChunk(); chunk !== null; chunk = await client.readChunk()) {
      length += chunk.length;
      if (slowly && length % 20_971_520 === 0) await delay(20);
    }
  } else {
    for (let rest = DOWNLOAD; rest > 0; rest -= PIECE.length)
      length += (await client.readOctets(PIECE.length)).length;
    await visitor.seen('pipeline ended');
  }
  visitor.note(`${length} octets, held ${meter.held <= 2 * PIECE.length + 16_384 ? 'little' : meter.held}`);
}

describe('large content', () => {
  it.each([
    ['with a length', `Content-Length: ${UPLOAD}`],
    ['in chunks', 'Transfer-Encoding: chunked'],
  ])('comes in no faster than it is read: %s', { timeout: 30_000 }, async (_name, field) => {
    const { text, trail } = await expectAlike(
      program,
      async (visitor) => {
        names += 1;
        const meter = meterOf(names);
        const client = visitor.open(20_000);
        client.send(`POST /upload/${names} HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`);
        const sent = { octets: 0 };
        const sending = upload(client.socket, sent, field.endsWith('chunked'));
        await until(() => meter.octets > 0);
        visitor.note(`ahead ${(await standstill(() => sent.octets)) < IN_FLIGHT}`);
        meter.open();
        const digest = await sending;
        const { content } = await visitor.read(client);
        visitor.note(`${content.toString() === JSON.stringify([UPLOAD, digest])}`);
        visitor.note(`held ${meter.held <= 4 * PIECE.length ? 'little' : meter.held}`);
      },
      { isSeparate: true },
    );
    expect(text).toContain('ahead true');
    expect(text).toContain('\ntrue\nheld little');
    expect(trail).toEqual(['complete true']);
  });

  it.each(['/download', '/piped'])(
    'goes out no faster than it is read: %s',
    { timeout: 30_000 },
    async (path) => {
      const { text } = await expectAlike(program, (visitor) => drain(visitor, path, true), {
        isSeparate: true,
      });
      expect(text).toContain(`ahead true\n${DOWNLOAD} octets, held little`);
    },
  );

  it('goes in and out at the same time', { timeout: 30_000 }, async () => {
    const { text } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open(20_000);
        client.send(
          'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\nConnection: close\r\n\r\n',
        );
        const file: ReadStream = createReadStream(join(root, 'large.bin'), { end: 10_485_759 });
        const sending = pipeline(file, client.socket, { end: false });
        const { content } = await visitor.read(client);
        await sending;
        visitor.note(`${content.equals(Buffer.alloc(10_485_760, 'file'))}`);
      },
      { isSeparate: true },
    );
    expect(text).toMatch(/\ntrue$/);
  });

  it('reaches a slow reader completely', { timeout: 30_000 }, async () => {
    const { responses, trail } = await expectAlike(
      program,
      async (visitor) => {
        for (const path of ['/file', '/eager']) {
          const client = visitor.open(20_000);
          client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
          await delay(60);
          await visitor.read(client);
        }
        await visitor.seen('all sent');
      },
      { isSeparate: true },
    );
    expect(responses.map(({ content }) => content.length)).toEqual([30_000_000, 100 * PIECE.length]);
    expect(trail).toEqual(['all sent']);
  });
});
