/** A node:http listener, alone and wrapped and mounted again: the head is the same, octet by octet. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { listen, type WireRequest } from './site.ts';

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

const LISTENERS: Readonly<Record<string, Listener>> = {
  'end alone': (_req, res) => res.end('hello'),
  'no content': (_req, res) => res.end(),
  'headers, then end': (_req, res) => res.setHeader('X-A', '1').setHeader('x-b', ['2', '3']).end('hello'),
  'writeHead with an object': (_req, res) =>
    res.writeHead(201, { 'X-A': '1', 'Content-Type': 'a/b' }).end('x'),
  'writeHead with a list': (_req, res) => res.writeHead(200, 'Fine', ['X-A', '1', 'x-b', '2']).end('x'),
  'a length of its own': (_req, res) => res.writeHead(200, { 'Content-Length': 5, 'X-A': '1' }).end('hello'),
  'several writes': (_req, res) => {
    res.write('one');
    res.end('two');
  },
  'a late end': (_req, res) => {
    res.setHeader('X-A', '1');
    setTimeout(() => res.end('late'), 5);
  },
  'Connection: close': (_req, res) => res.setHeader('X-A', '1').setHeader('Connection', 'close').end('x'),
  'connection: keep-alive': (_req, res) => res.setHeader('connection', 'keep-alive').end('x'),
  'Connection between others': (_req, res) =>
    res.writeHead(200, { 'X-A': '1', Connection: 'close', 'X-B': '2', 'Content-Length': 1 }).end('x'),
  'Keep-Alive': (_req, res) => res.setHeader('Keep-Alive', 'timeout=99').setHeader('X-A', '1').end('x'),
  'a date of its own': (_req, res) => res.setHeader('Date', 'Thu, 01 Jan 1970 00:00:00 GMT').end('x'),
  'no date': (_req, res) => {
    res.sendDate = false;
    res.end('x');
  },
  '204': (_req, res) => res.writeHead(204).end(),
  '304 with a length': (_req, res) => res.writeHead(304, { 'Content-Length': 10, ETag: '"x"' }).end(),
  'shouldKeepAlive off': (_req, res) => {
    res.shouldKeepAlive = false;
    res.end('x');
  },
  'removed Date': (_req, res) => {
    res.setHeader('Date', 'x');
    res.removeHeader('Date');
    res.end('x');
  },
  'removed framing': (_req, res) => {
    res.removeHeader('Content-Length');
    res.end('x');
  },
};

const REQUESTS: Readonly<Record<string, WireRequest>> = {
  GET: {},
  HEAD: { method: 'HEAD' },
  'GET with close': { headers: [['Connection', 'close']] },
  'HTTP/1.0 GET': { protocol: 'HTTP/1.0' },
  'HTTP/1.0 GET with keep-alive': { protocol: 'HTTP/1.0', headers: [['Connection', 'keep-alive']] },
};

/** Listeners for responses with chunks only: without chunks node sends the program's fields or throws. */
const CHUNKED: Readonly<Record<string, Listener>> = {
  'Transfer-Encoding': (_req, res) =>
    res.setHeader('Transfer-Encoding', 'chunked').setHeader('X-A', '1').end('x'),
  'a trailer section': (_req, res) => {
    res.writeHead(200, { Trailer: 'X-T', 'X-A': '1' });
    res.write('x');
    res.addTrailers({ 'X-T': '1' });
    res.end();
  },
};

async function headOf(listener: Listener, request: WireRequest): Promise<string> {
  const site = await listen(createServer(listener));
  const response = await site.fetch(request);
  const head = response.raw.replace(/Date: .* GMT\r\n/, 'Date: today\r\n');
  return `${head}${response.framing} ${response.content} ${JSON.stringify(response.trailers)}`;
}

describe.each(Object.keys(LISTENERS))('%s', (name) => {
  const listener = LISTENERS[name] as Listener;

  it.each(Object.keys(REQUESTS))('is the same through toNode, %s', async (request) => {
    const wrapped = toNode(fromNode(listener));
    const parts = REQUESTS[request] as WireRequest;
    expect(await headOf(wrapped, parts)).toBe(await headOf(listener, parts));
  });

  it('is the same through toExpress, in another order', async () => {
    const wrapped = express().use(toExpress(fromNode(listener)));
    expect(sorted(await headOf(wrapped, {}))).toEqual(sorted(await headOf(express().use(listener), {})));
  });

  it('is the same through toFastify, except for framing', async () => {
    expect(loosely(await headOf(await inFastify(listener), {}))).toEqual(loosely(await headOf(listener, {})));
  });
});

describe.each(Object.keys(CHUNKED))('%s', (name) => {
  const listener = CHUNKED[name] as Listener;

  it('is the same through toNode', async () => {
    expect(await headOf(toNode(fromNode(listener)), {})).toBe(await headOf(listener, {}));
  });

  it('is the same through toFastify, except for framing', async () => {
    expect(loosely(await headOf(await inFastify(listener), {}))).toEqual(loosely(await headOf(listener, {})));
  });

  it('is not sent if there are no chunks', async () => {
    const wrapped = toNode(
      fromNode((req, res) => {
        if (req.method === 'HEAD' || req.httpVersion === '1.0')
          res.setHeader('Transfer-Encoding', 'chunked').end();
        else listener(req, res);
      }),
    );
    for (const request of [{ method: 'HEAD' }, { protocol: 'HTTP/1.0' }]) {
      expect(await headOf(wrapped, request)).not.toMatch(/transfer-encoding/i);
    }
  });
});

/** Drops framing: Fastify spells a length in its own way, and sends one where node sends chunks. */
function loosely(head: string): string[] {
  return sorted(head.toLowerCase()).filter(
    (line) => !/^(?:content-length|transfer-encoding|length|chunked .* \[\])/.test(line),
  );
}

async function inFastify(listener: Listener): Promise<Listener> {
  const instance = fastify();
  instance.register(toFastify(fromNode(listener)));
  await instance.ready();
  return (req, res) => instance.routing(req, res);
}

/** Sorts lines: Express sets a field first, and node puts a length set beside it before its own fields. */
function sorted(head: string): string[] {
  return head.split('\r\n').sort();
}
