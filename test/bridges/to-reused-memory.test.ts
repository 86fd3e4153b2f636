/** Chunks that an application fills again, where code of the host or another protocol stands between it and the client. */

import { readFileSync } from 'node:fs';
import { createServer as createServerOfNode, get } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer, get as getByTls } from 'node:https';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import compress from '@fastify/compress';
import compression from 'compression';
import express from 'express';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { type ToFastifyOptions, toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { ApplicationFunction } from '../../src/wsgi.ts';
import { atEnd, listen } from './site.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

/** Octets of a chunk, and the number of chunks: few, and more than kernels buffer. */
const CONTENTS: readonly (readonly [size: number, count: number])[] = [
  [4, 6],
  [3000, 6],
  [20_000, 400],
  [150_000, 60],
];

const letterOf = (index: number): string => String.fromCharCode(65 + (index % 26));

/** Applications that give the same memory again and again. */
function reusers(size: number, count: number): Readonly<Record<string, ApplicationFunction>> {
  return {
    generator: function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const memory = Buffer.alloc(size);
      for (let index = 0; index < count; index += 1) yield memory.fill(letterOf(index));
      memory.fill('-');
    },
    writer: async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']]);
      const memory = Buffer.alloc(size);
      for (let index = 0; index < count; index += 1) await write(memory.fill(letterOf(index)));
      memory.fill('-');
      return [];
    },
  };
}

type Fetch = (application: ApplicationFunction) => Promise<Readable>;

async function inFastify(
  application: ApplicationFunction,
  { options, prepare }: { options?: ToFastifyOptions; prepare?: (instance: FastifyInstance) => unknown } = {},
): Promise<Readable> {
  const instance = fastify();
  await prepare?.(instance);
  // Our types do not depend on Fastify's, and so do not match its overloads.
  instance.register(toFastify(application, options) as unknown as FastifyPluginAsync);
  await instance.ready();
  return fetchFrom(await listen(instance.server));
}

function fetchFrom({ port }: { port: number }): Promise<Readable> {
  const headers = { 'accept-encoding': 'gzip' };
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
      const isZipped = response.headers['content-encoding'] === 'gzip';
      resolve(isZipped ? response.pipe(createGunzip()) : response);
    }).on('error', reject);
  });
}

function fetchByTls({ port }: { port: number }): Promise<Readable> {
  return new Promise((resolve, reject) => {
    getByTls({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, resolve).on(
      'error',
      reject,
    );
  });
}

/** Fetches content, by the host that answers. */
const HOSTS: Readonly<Record<string, Fetch>> = {
  'the standalone server over TLS': async (application) =>
    fetchByTls(await listen(createServer(application, { tls }))),
  'toNode over TLS': async (application) =>
    fetchByTls(await listen(createHttpsServer(tls, toNode(application)))),
  'toNode over HTTP/2': async (application) => {
    const { port } = await listen(createHttp2Server(toNode(application)));
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    atEnd(() => session.destroy());
    // Read at once: a stream that closes unread may be lost (Node 26).
    return session.request({ ':path': '/' }).pipe(new PassThrough());
  },
  'toExpress below compression': async (application) =>
    fetchFrom(
      await listen(createServerOfNode(express().use(compression({ threshold: 0 }), toExpress(application)))),
    ),
  'toFastify below compression': (application) =>
    inFastify(application, { prepare: (instance) => instance.register(compress, { threshold: 0 }) }),
  'toFastify below a hook that keeps what passes': (application) =>
    inFastify(application, {
      prepare: (instance) =>
        instance.addHook('onSend', async (_request, _reply, payload) => {
          // A stream between that holds much.
          const between = new PassThrough({ highWaterMark: 1 << 20 });
          return (payload as Readable).pipe(between);
        }),
    }),
};

describe.each(Object.entries(HOSTS))('memory used again in %s', (_host, fetch) => {
  for (const [size, count] of CONTENTS) {
    for (const [name, application] of Object.entries(reusers(size, count))) {
      it(`reaches the client as it was given, by a ${name}, ${count} × ${size} octets`, async () => {
        const stream = await fetch(application);
        await delay(50);
        const content = Buffer.concat(await stream.toArray());
        expect(content.length).toBe(size * count);
        for (let index = 0; index < count; index += 1) {
          const chunk = content.subarray(index * size, (index + 1) * size);
          if (!chunk.equals(Buffer.alloc(size, letterOf(index))))
            throw new Error(`Chunk ${index} was changed`);
        }
      });
    }
  }
});
