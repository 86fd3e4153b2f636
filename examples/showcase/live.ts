/** A live stream (server-sent events): figures of the server for everybody, and what happens to each page's own requests. */
import { EventEmitter, on } from 'node:events';
import type { Application, Environ } from 'gatebridge';
import type { Server } from 'gatebridge/server';

interface News {
  readonly event: string;
  readonly data: unknown;
  /** The page that it is for. Without one it is for all. */
  readonly page?: string | undefined;
}

const feed = new EventEmitter<{ news: [News]; end: [] }>();
feed.setMaxListeners(0); // one for each client

export const live: Application = async function* (environ, startResponse) {
  const signal = environ['gateway.signal']?.();
  const news = on(feed, 'news', { signal, close: ['end'] });
  startResponse('200 OK', [
    ['Content-Type', 'text/event-stream'],
    ['Cache-Control', 'no-store'],
  ]);
  yield Buffer.from('retry: 1000\n\n');
  for await (const [{ event, data, page = pageOf(environ) }] of news) {
    if (page !== pageOf(environ)) continue;
    yield Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
};

/** Gives a function that tells the page of a request what happens to that request. */
export function tellerOf(environ: Environ): (event: string, data: unknown) => void {
  const page = pageOf(environ);
  return (event, data) => {
    feed.emit('news', { event, data, page });
  };
}

/** Each page names itself in the query, so that it hears of its own requests alone. */
function pageOf(environ: Environ): string {
  return new URLSearchParams(environ.QUERY_STRING).get('page') ?? '';
}

/** Tells all pages once a second how the server is doing. */
export function announceServer(server: Server): void {
  const announce = () => {
    const { connections, requests, bytes } = server.metrics();
    const data = {
      connections: connections.open,
      requests: requests.total,
      sent: bytes.sent,
      memory: process.memoryUsage.rss(),
    };
    feed.emit('news', { event: 'server', data });
  };
  setInterval(announce, 1_000).unref();
}

/** Ends all streams, so that the server can stop. */
export function endStreams(): void {
  feed.emit('end');
}
