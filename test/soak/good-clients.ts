/**
 * Well-behaved clients, which the server must serve well: keep-alive, pipelining, uploads, downloads.
 *
 * Each checks every octet that it receives. Any fault is an error, whatever the hostile clients do.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WireClient, type WireResponse } from '../../src/conformance/wire-client.ts';
import { Random } from '../fuzz/random.ts';
import { digest, PATTERN } from './pattern.ts';

/** Measured separately, because their costs differ. */
export const OPERATIONS = ['hello', 'pipeline', 'upload', 'download'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Observer {
  onSuccess(operation: Operation, milliseconds: number): void;
  onError(operation: Operation, error: unknown): void;
}

const HOST = 'Host: soak\r\n';
const HELLO = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const PIPELINED = 8;
const DEADLINE = 10_000;
/** Operations on one connection, before it is closed and another one opened. */
const CONNECTION_LIFE = 100;
/** Milliseconds between two operations of one client, at most. */
const PAUSE = 40;

/** A population of good clients. */
export interface GoodClients {
  /** Lets each client finish its operation and leave. */
  stop(): Promise<void>;
}

export function startGoodClients(port: number, count: number, observer: Observer): GoodClients {
  const stopping = new AbortController();
  const clients = Array.from({ length: count }, (_, index) => {
    return beGood(port, new Random(2, index), { observer, signal: stopping.signal });
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(clients);
    },
  };
}

interface Circumstances {
  readonly observer: Observer;
  readonly signal: AbortSignal;
}

async function beGood(port: number, random: Random, { observer, signal }: Circumstances): Promise<void> {
  while (!signal.aborted) {
    const client = new WireClient(connect(port, '127.0.0.1').setNoDelay(true), DEADLINE);
    let operation: Operation = 'hello';
    try {
      for (let count = 0; count < CONNECTION_LIFE && !signal.aborted; count += 1) {
        operation = random.pick(['hello', 'hello', 'hello', 'hello', 'pipeline', 'upload', 'download']);
        observer.onSuccess(operation, await OPERATE[operation](client, random));
        await delay(1 + random.below(PAUSE));
      }
      await leave(client);
    } catch (error) {
      observer.onError(operation, error);
    } finally {
      client.destroy();
    }
  }
}

/** Leaves by `Connection: close`: the server answers and ends the connection. */
async function leave(client: WireClient): Promise<void> {
  client.send(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  assertHello(await client.readResponse());
  assert.equal(await client.farewell(), 'end');
}

/** Each returns the milliseconds from the first octet sent to the last one received. */
const OPERATE: Record<Operation, (client: WireClient, random: Random) => Promise<number>> = {
  async hello(client) {
    const began = performance.now();
    client.send(HELLO);
    const response = await client.readResponse();
    const ended = performance.now();
    assertHello(response);
    return ended - began;
  },

  async pipeline(client) {
    const began = performance.now();
    client.send(HELLO.repeat(PIPELINED));
    for (let count = 0; count < PIPELINED; count += 1) assertHello(await client.readResponse());
    return performance.now() - began;
  },

  async upload(client, random) {
    const content = PATTERN.subarray(0, random.below(65_536));
    const answer = `${content.length} ${digest(content)}`;
    const isChunked = random.once(2);
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`;
    const began = performance.now();
    client.send(`POST /upload HTTP/1.1\r\n${HOST}${framing}\r\n\r\n`);
    if (isChunked) sendChunks(client, content, random);
    else client.send(content);
    const response = await client.readResponse();
    const ended = performance.now();
    assert.equal(response.content.toString(), answer);
    return ended - began;
  },

  async download(client, random) {
    const size = random.below(262_144);
    const path = random.once(2) ? '/download' : '/stream';
    const began = performance.now();
    client.send(`GET ${path}?${size} HTTP/1.1\r\n${HOST}\r\n`);
    const { statusCode, content } = await client.readResponse();
    const ended = performance.now();
    assert.equal(statusCode, 200);
    assert.ok(content.equals(PATTERN.subarray(0, size)), 'Download differs from what was asked for');
    return ended - began;
  },
};

function assertHello({ statusCode, content }: WireResponse): void {
  assert.equal(statusCode, 200);
  assert.equal(content.toString(), 'Hello');
}

function sendChunks(client: WireClient, content: Buffer, random: Random): void {
  for (let start = 0; start < content.length; ) {
    const chunk = content.subarray(start, start + 1 + random.below(20_000));
    client.send(`${chunk.length.toString(16)}\r\n`);
    client.send(chunk);
    client.send('\r\n');
    start += chunk.length;
  }
  client.send('0\r\n\r\n');
}
