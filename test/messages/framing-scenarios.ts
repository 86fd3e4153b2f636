/** Scenes whose point is what the head says of the framing and of the connection, octet by octet. */
import type { ServerResponse } from 'node:http';
import { GET, HEAD, type Scene } from './scene.ts';

const OLD = 'GET / HTTP/1.0\r\n\r\n';
const OLD_KEPT = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** What a program does to a response before it sends something. */
const PREPARATIONS: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  nothing: () => {},
  'no Transfer-Encoding': (res) => res.removeHeader('Transfer-Encoding'),
  'no Content-Length': (res) => res.removeHeader('Content-Length'),
  'neither of them': (res) => {
    res.removeHeader('Content-Length');
    res.removeHeader('Transfer-Encoding');
  },
  'no Connection': (res) => res.removeHeader('Connection'),
  'none of the three': (res) => {
    for (const name of ['Connection', 'Content-Length', 'Transfer-Encoding']) res.removeHeader(name);
  },
  'no Date': (res) => res.removeHeader('Date'),
  'no Connection, but shouldKeepAlive = false': (res) => {
    res.removeHeader('Connection');
    res.shouldKeepAlive = false;
  },
  'shouldKeepAlive = false': (res) => {
    res.shouldKeepAlive = false;
  },
  'useChunkedEncodingByDefault = false': (res) => {
    res.useChunkedEncodingByDefault = false;
  },
  'Connection: close': (res) => res.setHeader('Connection', 'close'),
  'Connection: keep-alive': (res) => res.setHeader('connection', 'keep-alive'),
  'Keep-Alive': (res) => res.setHeader('Keep-Alive', 'timeout=9'),
  'Transfer-Encoding: chunked': (res) => res.setHeader('Transfer-Encoding', 'chunked'),
  'Transfer-Encoding: chunked with 204': (res) => {
    res.statusCode = 204;
    res.setHeader('Transfer-Encoding', 'chunked');
  },
  'Content-Length with 304': (res) => {
    res.statusCode = 304;
    res.setHeader('Content-Length', 9);
  },
};

/** How it sends something. */
const DELIVERIES: Readonly<Record<string, (res: ServerResponse, done: () => void) => unknown>> = {
  end: (res, done) => res.end('hello', done),
  'an empty end': (res, done) => res.end(done),
  'write and end': (res, done) => {
    res.write('hel');
    res.end('lo', done);
  },
  'flushHeaders, later end': (res, done) => {
    res.flushHeaders();
    setTimeout(() => res.end('hello', done), 3);
  },
  'an end that comes later': (res, done) => setTimeout(() => res.end('hello', done), 3),
};

const REQUESTS: Readonly<Record<string, string>> = {
  GET,
  HEAD,
  'HTTP/1.0': OLD,
  'HTTP/1.0 to keep': OLD_KEPT,
  'a last GET': LAST,
};

/** Where the standalone server keeps to HTTP/1.1 instead: what it is, and the requests for which it is so. */
const EXEMPT: Readonly<Record<string, readonly string[]>> = {
  // RFC 9112 §6.1: no transfer coding in a 204, and none to a client of HTTP/1.0.
  'Transfer-Encoding: chunked with 204': Object.keys(REQUESTS),
  'Transfer-Encoding: chunked': ['HTTP/1.0', 'HTTP/1.0 to keep'],
  // RFC 9112 §9.6: what ends is not said to persist, whatever the program says.
  'Connection: keep-alive': ['HTTP/1.0', 'HTTP/1.0 to keep', 'a last GET'],
};

function requestsFor(what: string): [request: string, text: string][] {
  return Object.entries(REQUESTS).filter(([request]) => EXEMPT[what]?.includes(request) !== true);
}

/** A final response that is none: what it says to node's client is that there is more to come. */
export const INTERIM_SCENES: readonly Scene[] = [100, 101, 102, 103, 199].flatMap((statusCode) =>
  Object.entries(DELIVERIES).flatMap(([how, deliver]) =>
    [GET, HEAD, LAST].map(
      (text): Scene => ({
        name: `${statusCode}, ${how}, to ${text.slice(0, 20)}`,
        run(_req, res, trail) {
          res.statusCode = statusCode;
          res.setHeader('X-Reason', 'none');
          deliver(res, () => trail.push('last'));
        },
        client: (socket) => socket.write(text),
        last: 'last',
      }),
    ),
  ),
);

export const FRAMING_SCENES: readonly Scene[] = Object.entries(PREPARATIONS).flatMap(([what, prepare]) =>
  Object.entries(DELIVERIES).flatMap(([how, deliver]) =>
    requestsFor(what).map(
      ([request, text]): Scene => ({
        name: `${request}: ${what}, ${how}`,
        run(_req, res, trail) {
          prepare(res);
          deliver(res, () => trail.push('last'));
        },
        client: (socket) => socket.write(text),
        last: 'last',
      }),
    ),
  ),
);
