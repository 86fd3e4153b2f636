/** Clients that leave, fully or by half, at every moment: the events that an Express app sees. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import express, { type Response } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireClient } from '../../../src/conformance/wire-client.ts';
import { follow } from '../../messages/scenario.ts';
import { expectAlike, type Visitor } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'departures-'));
  await writeFile(join(root, 'large.bin'), Buffer.alloc(20_000_000, 'x'));
});
afterAll(() => rm(root, { recursive: true }));

/** Drops drain events: their number before a client leaves is chance. */
function comparable(trail: string[]): string[] {
  const notes: string[] = [];
  notes.push = (...lines) => trail.push(...lines.filter((line) => !line.startsWith('res drain')));
  return notes;
}

/** Waits until the client has left, so that what follows comes too late. */
async function left(res: Response): Promise<void> {
  await once(res, 'close');
  await delay(10);
}

const program = expressProgram((app, trail) => {
  app.use((req, res, next) => {
    follow(req, res, comparable(trail));
    res.on('close', () => trail.push('over'));
    trail.push('called');
    next();
  });
  app.all('/waits', () => {});
  app.all('/reads', (req, res) => {
    let length = 0;
    req.on('data', (piece) => {
      length += piece.length;
    });
    req.on('end', () => res.send(`read ${length}`));
  });
  app.all('/iterates', async (req, res) => {
    try {
      let length = 0;
      for await (const piece of req) length += piece.length;
      res.send(`read ${length}`);
    } catch (error) {
      trail.push(`iteration: ${Reflect.get(Object(error), 'code')}`);
    }
  });
  app.all('/parses', express.json(), (_req, res) => void res.send('parsed'));
  app.all('/pipes', (req, res) => {
    pipeline(req, res, (error) => trail.push(`pipeline: ${error?.code}`));
  });
  app.all('/later', async (_req, res) => {
    await left(res);
    trail.push(`sends ${res.destroyed} ${res.writable} ${res.headersSent}`);
    res.send('later');
    trail.push('sent');
  });
  app.all('/writes', async (_req, res) => {
    res.write('begun');
    await left(res);
    trail.push(`writes ${res.destroyed} ${res.write('more')}`);
    res.end('end', () => trail.push('ended'));
  });
  app.all('/file', (_req, res) => {
    res.sendFile('large.bin', { root }, (error) => trail.push(`file: ${Reflect.get(error ?? {}, 'code')}`));
  });
  app.all('/static/*path', express.static(join(root, '..'), { index: false }));
  app.use('/tree', express.static(root));
});

const DEPARTURES = [
  ['by a reset', (client: WireClient): void => client.reset()],
  ['in order', (client: WireClient): void => client.destroy()],
] as const;
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`;
const CHUNKED = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;

const ALL = '/waits /reads /iterates /parses /pipes /later /writes'.split(' ');

/** Waits until nothing happens any more, including handlers that act too late. */
async function settle(visitor: Visitor, text = ''): Promise<void> {
  await visitor.seen('over');
  if (text.includes('/later')) await visitor.seen('sent');
  if (text.includes('/writes')) await visitor.seen('writes');
  for (let length = -1; length !== visitor.trail.length; await delay(80)) length = visitor.trail.length;
}

describe.concurrent.each(DEPARTURES)('a client that leaves %s', (name, leave) => {
  it.each([
    ...ALL.map((path) => [`during the content: ${path}`, `${POST(path)}half`] as const),
    ...ALL.map((path) => [`before the content: ${path}`, POST(path)] as const),
    ...ALL.map((path) => [`during chunks: ${path}`, `${CHUNKED(path)}4\r\nhalf\r\n4\r\nqu`] as const),
    ...['/waits', '/later', '/writes'].map((path) => [`after the request: ${path}`, GET(path)] as const),
    // By a reset only: otherwise node's parser reports an error of its own; our server does not parse ahead.
    ...(name === 'by a reset'
      ? [['after a request and half of another', `${GET('/waits')}GET /la`] as const]
      : []),
  ])('%s', async (_moment, text) => {
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send(text);
        await visitor.seen('called');
        await delay(20);
        leave(client);
        await settle(visitor, text);
      },
      { isSeparate: true },
    );
    expect(trail[0]).toBe('called');
    expect(trail).toContain('over');
  });

  it.each(['/file', '/tree/large.bin'])('during %s', async (path) => {
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send(GET(path));
        await client.readHead();
        await client.readOctets(1000);
        leave(client);
        await settle(visitor);
      },
      { isSeparate: true },
    );
    expect(trail).toContain('over');
  });
});

describe.concurrent('a client that closes its half', () => {
  it.each([
    ...ALL.map((path) => [`after a request: ${path}`, GET(path)] as const),
    ...ALL.map((path) => [`during the content: ${path}`, `${POST(path)}half`] as const),
    ...ALL.map((path) => [`after the content: ${path}`, `${POST(path)}${'[1]'.padEnd(100)}`] as const),
  ])('%s', async (_moment, text) => {
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send(text);
        await visitor.seen('called');
        await delay(20);
        client.halfClose();
        const farewell = await client.farewell((rest) => {
          // Refusals differ in their further lines (docs/http.md).
          visitor.note(rest.toString('latin1').replace(/(HTTP\/1\.1 400 Bad Request\r\n).*/s, '$1…'));
        });
        visitor.note(farewell);
        await settle(visitor, text);
      },
      { isSeparate: true },
    );
    expect(trail).toContain('over');
  });
});
