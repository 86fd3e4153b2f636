/**
 * Serves one Fastify app in three places: on its own node:http server, on the standalone server by `fromFastify`,
 * and on the standalone server started by its own `listen()` (`serverFactory`).
 *
 * Each place has a new instance, so that requests in one place leave nothing behind in another, and gets the same
 * requests in the same order. Responses are compared octet by octet, except for Date, for chunk boundaries, which
 * depend on the arrival of pieces, and for the length of a 204, which node:http sends and RFC 9110 §8.6 forbids.
 */
import { connect } from 'node:net';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { expect } from 'vitest';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { WireClient } from '../../../src/conformance/wire-client.ts';
import { createServer, Server } from '../../../src/server/index.ts';
import {
  type Listening,
  listen,
  pause,
  type Step,
  transcript,
  withoutDate,
} from '../../messages/side-by-side.ts';
import { describeResponse } from '../both-servers.ts';

/** Ways to serve an app. */
export type PlaceName = 'node' | 'fromFastify' | 'serverFactory';

/** Options that an app needs to be served in a place. */
export type PlaceOptions = Pick<FastifyServerOptions, 'serverFactory'>;

/** An app that is being served. */
export interface Place extends Listening {
  readonly name: PlaceName;
  readonly app: FastifyInstance;
  /** The standalone server; undefined on node:http. */
  readonly server: Server | undefined;
}

/** Makes an app; called once for each place. */
export type AppFactory = (
  options: PlaceOptions,
  name: PlaceName,
) => FastifyInstance | Promise<FastifyInstance>;

/** Fastify's default, which it sets on node's server only. */
const KEEP_ALIVE = { keepAliveTimeout: 72_000 };

/** Gives Fastify the standalone server, as docs/fastify.md describes. */
export const serverFactory: NonNullable<PlaceOptions['serverFactory']> = (handler) =>
  createServer(fromNode(handler), KEEP_ALIVE);

/** Serves an instance of the app in each of the three places. */
export async function serveEverywhere(create: AppFactory): Promise<readonly Place[]> {
  return [
    await listening('node', await create({}, 'node')),
    await served(await create({}, 'fromFastify')),
    await listening('serverFactory', await create({ serverFactory }, 'serverFactory')),
  ];
}

/** Closes servers and apps. */
export async function closeAll(places: readonly Place[]): Promise<void> {
  await Promise.all(places.map((place) => place.close()));
}

/**
 * Takes the same steps in every place and compares the transcripts with that of node:http.
 *
 * @param mask Removes what cannot be the same twice from a transcript
 */
export async function alike(
  places: readonly Place[],
  steps: readonly Step[],
  mask: (text: string) => string = (text) => text,
): Promise<string> {
  const texts = await Promise.all(
    places.map(async (place) => mask(comparable(await transcript(place, ...steps)))),
  );
  return expectSame(places, texts);
}

/**
 * Does the same for one request and its response when the client ends the connection, not the server.
 *
 * @param rest A rest of the request to send a little later
 */
export async function respondAlike(
  places: readonly Place[],
  text: string,
  { mask = (text) => text, rest }: { mask?: (text: string) => string; rest?: string } = {},
): Promise<string> {
  const [method = ''] = text.split(' ', 1);
  const answers = places.map(async ({ port }) => {
    const client = new WireClient(connect(port, '127.0.0.1'));
    client.send(text);
    if (rest !== undefined) await pause(20);
    client.send(rest ?? '');
    try {
      return mask(withoutDate(describeResponse(await client.readResponse(method))));
    } finally {
      client.destroy();
    }
  });
  return expectSame(places, await Promise.all(answers));
}

function expectSame(places: readonly Place[], texts: readonly string[]): string {
  const [expected = ''] = texts;
  for (const [index, text] of texts.entries()) expect(text, places[index]?.name).toBe(expected);
  return expected;
}

async function served(app: FastifyInstance): Promise<Place> {
  const server = createServer(fromFastify(app), KEEP_ALIVE);
  const place = await listen(server);
  return {
    ...place,
    name: 'fromFastify',
    app,
    server,
    async close() {
      await place.close();
      await app.close();
    },
  };
}

async function listening(name: PlaceName, app: FastifyInstance): Promise<Place> {
  const made: unknown = app.server;
  const server = made instanceof Server ? made : undefined;
  // An app that ignores the options would compare node:http with itself.
  expect(server !== undefined, 'the app is made with the options of its place').toBe(name !== 'node');
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    name,
    app,
    port,
    log: [],
    server,
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

const ONE_RESPONSE = /^HTTP\/1\.[01] (\d\d\d).*\r\n(?:.+\r\n)*\r\n/;

/** Removes what may differ, response by response. */
function comparable(text: string): string {
  const [head, statusCode] = ONE_RESPONSE.exec(text) ?? [];
  if (head === undefined) return text;
  const rest = text.slice(head.length);
  if (statusCode === '204') return head.replace(/content-length: \d+\r\n/i, '') + comparable(rest);
  const [, length = '0'] = /^content-length: (\d+)/im.exec(head) ?? [];
  if (/^transfer-encoding: chunked/im.test(head) && /^[\da-f]+\r\n/i.test(rest)) {
    const { content, end } = joinChunks(rest);
    return `${head}[chunks] ${content}${comparable(rest.slice(end))}`;
  }
  // A response to HEAD has a length and no content.
  const size = rest.startsWith('HTTP/1.') ? 0 : Number(length);
  return head + rest.slice(0, size) + comparable(rest.slice(size));
}

/** Joins the chunks of a response; gives the content with its trailer section, and the end of the response. */
export function joinChunks(text: string): { content: string; end: number } {
  let content = '';
  let position = 0;
  for (;;) {
    const start = text.indexOf('\r\n', position) + 2;
    const size = Number.parseInt(text.slice(position, start), 16);
    if (start < 2 || !(size > 0)) {
      // Without the last chunk the response ends where the connection does.
      const end = size === 0 ? endOfTrailers(text, start) : text.length;
      return { content: content + text.slice(position, end), end };
    }
    content += text.slice(start, start + size);
    position = start + size + 2;
  }
}

function endOfTrailers(text: string, start: number): number {
  if (text.startsWith('\r\n', start)) return start + 2;
  const end = text.indexOf('\r\n\r\n', start);
  return end === -1 ? text.length : end + 4;
}
