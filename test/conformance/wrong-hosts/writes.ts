/** Hosts whose `write` is wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Chunk } from '../../../src/wsgi.ts';
import { node } from '../hosts.ts';
import { type Sabotage, sabotaged, type WrongHosts, writing } from './wrong-host.ts';

/** Sends what was written after the chunks of the body, in the wrong order. */
const writingLast: Sabotage = (application) => async (environ, startResponse) => {
  const written: Chunk[] = [];
  const body = await application(environ, (...start) => {
    startResponse(...start);
    return async (data) => {
      written.unshift(data);
    };
  });
  async function* reversed(): AsyncGenerator<Chunk> {
    yield* body;
    yield* written;
  }
  return reversed();
};

/** Makes one array of what was written and of the body. */
const gathering: Sabotage = (application) => async (environ, startResponse) => {
  const chunks: Chunk[] = [];
  const body = await application(environ, (...start) => {
    startResponse(...start);
    return async (data) => {
      chunks.push(data);
    };
  });
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
};

/** The hosts. */
export const WRONG_WRITES: WrongHosts = {
  'writes after the body': {
    host: sabotaged(node, writingLast),
    noticedBy: [
      'write-91-head-with-empty-chunk',
      'write-91-head-with-first-chunk',
      'write-92-before-the-body',
      'write-93-order',
    ],
  },
  'writes that become a body with a length': {
    host: sabotaged(node, gathering),
    noticedBy: ['write-98-http-1-0'],
  },
  'writes that leave later': {
    host: sabotaged(
      node,
      writing((write) => async (data) => {
        await delay(10);
        await write(data).catch(() => {});
      }),
    ),
    noticedBy: [
      'below-a-generator',
      'between-yields',
      'between-asynchronous-yields',
      'after-the-last-yield',
      'in-an-async-application',
    ].flatMap((name) => [`write-234-${name}-3`, `write-234-${name}-70000`]),
  },
  'writes that never fail': {
    host: sabotaged(
      node,
      writing((write) => (data) => write(data).catch(() => {})),
    ),
    noticedBy: [
      'write-90-after-failed-call',
      'write-95-no-octets',
      'write-95-strict',
      'write-96-disconnected',
      'write-97-past-content-length',
    ],
  },
  'writes that do not wait': {
    host: sabotaged(
      node,
      writing((write) => async (data) => {
        write(data).catch(() => {});
      }),
    ),
    noticedBy: ['write-94-backpressure'],
  },
};
