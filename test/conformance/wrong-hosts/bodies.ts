/** Hosts that send the content of a response wrongly: its framing, its pace, its memory. */
import type { Application, Body, Chunk, FinishedCallback } from '../../../src/wsgi.ts';
import { node, standalone } from '../hosts.ts';
import { relayed } from './relay.ts';
import {
  changing,
  collected,
  iterated,
  rebodying,
  rechunking,
  type Sabotage,
  sabotaged,
  serving,
  type WrongHosts,
} from './wrong-host.ts';

async function* stoppedByEmptyChunk(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    if (chunk.length === 0) return;
    yield chunk;
  }
}

async function* cut(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) yield chunk.slice(0, 1 << 16);
}

/** Steps that are asked for before one is given. */
const AHEAD = 20;

async function* readAhead(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  let ahead: Chunk[] = [];
  for await (const chunk of chunks) {
    ahead.push(chunk);
    if (ahead.length < AHEAD) continue;
    yield* ahead;
    ahead = [];
  }
  yield* ahead;
}

/** Makes an array of each body. */
async function gathered(body: Body): Promise<Body> {
  const chunks: Chunk[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

/** Sends each chunk when the next one is there. */
const late: Sabotage = (application) => async (environ, startResponse) => {
  let kept: Chunk | undefined;
  const body = await application(environ, (...start) => {
    const write = startResponse(...start);
    return async (data) => {
      const before = kept;
      kept = data;
      if (before !== undefined) await write(before);
    };
  });
  async function* lagging(): AsyncGenerator<Chunk> {
    for await (const chunk of body) {
      if (kept !== undefined) yield kept;
      kept = chunk;
    }
    if (kept !== undefined) yield kept;
  }
  return Object.assign(lagging(), { close: () => body.close?.() });
};

/** Tells of the end, and closes the body, before anything was sent. */
const endingEarly: Sabotage = (application) => async (environ, startResponse) => {
  const callbacks: FinishedCallback[] = [];
  environ['gateway.on_finished'] = (callback) => void callbacks.push(callback);
  const body = await application(environ, startResponse);
  for (const callback of callbacks) callback(environ, undefined, undefined, undefined);
  body.close?.();
  return iterated(body);
};

let served = 0;

/** The hosts. */
export const WRONG_BODIES: WrongHosts = {
  'a length for every body': {
    host: sabotaged(node, rebodying(gathered)),
    noticedBy: [
      'body-108-generator',
      'body-108-async-generator',
      'body-109-http-1-0',
      'body-120-slow-reader-async',
      'body-120-slow-reader-sync',
    ],
  },
  'a body in one piece': {
    host: sabotaged(node, rechunking(collected)),
    noticedBy: ['body-108-one-chunk-each-in-turn', 'body-119-no-delay', 'body-119-no-delay-length'],
  },
  'a body in one piece, on its own wire': {
    host: sabotaged(standalone, rechunking(collected)),
    noticedBy: ['body-108-one-chunk-each-at-once'],
  },
  'an empty chunk as the end': {
    host: sabotaged(node, rechunking(stoppedByEmptyChunk)),
    noticedBy: ['body-105-empty-chunk', 'body-105-empty-first-chunk'],
  },
  'large chunks that are cut': {
    host: sabotaged(node, rechunking(cut)),
    noticedBy: ['body-121-large-chunk'],
  },
  'steps that are asked for ahead': {
    host: sabotaged(node, rechunking(readAhead)),
    noticedBy: ['body-113-head-endless', 'body-117-stops-iterating', 'body-119-no-delay'],
  },
  'HEAD that is taken for GET': {
    host: relayed(node, { request: (octets) => octets.replace(/^HEAD /, 'GET ') }),
    noticedBy: ['body-112-head-array', 'body-112-head-generator', 'file-wrapper-150-head'],
  },
  'content with 204 and 304': {
    host: relayed(node, {
      response: (octets) => (/^HTTP\/1\.1 (?:204|304) /.test(octets) ? `${octets}content` : octets),
    }),
    noticedBy: ['body-114-status-204', 'body-114-status-304', 'file-wrapper-150-not-modified'],
  },
  'files that are read to their end first': {
    host: sabotaged(
      node,
      changing(({ 'wsgi.file_wrapper': wrap }) => ({
        'wsgi.file_wrapper': (...file: Parameters<NonNullable<typeof wrap>>) => {
          const body = wrap?.(...file) ?? [];
          return Object.assign(collected(iterated(body)), { close: () => body.close?.() });
        },
      })),
    ),
    noticedBy: [5, 8, 16].map((length) => `file-wrapper-241-content-length-${length}`),
  },
  'chunks that are sent one step late': {
    host: sabotaged(node, late),
    noticedBy: [
      ...[
        'a-generator',
        'an-async-generator',
        'an-async-generator-without-a-turn',
        'awaited-writes',
        'a-file',
      ].flatMap((name) => [4, 3000, 15_000, 70_000, 1_500_000].map((size) => `body-231-${name}-${size}`)),
      'body-231-slow-reader-5000',
      'body-231-slow-reader-20000',
    ],
  },
  'an end that is told before the content has gone': {
    host: sabotaged(node, endingEarly),
    noticedBy: [
      'body-232-array-on-finished',
      'body-232-halves-on-finished',
      'body-232-array-close',
      'body-232-generator-close',
    ],
  },
  'another status for each server': {
    host: serving(node, (serve) => (application, options) => {
      served += 1;
      const status = `${200 + (served % 2)} Counted`;
      const counting: Application = (environ, startResponse) =>
        // The audit serves applications of the function form.
        (application as Parameters<Sabotage>[0])(environ, (_status, ...start) =>
          startResponse(status, ...start),
        );
      return serve(counting, options);
    }),
    noticedBy: ['middleware-194-validator'],
  },
};
