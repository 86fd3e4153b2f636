/** Scenarios that compare the head: how it frames the content, and what it says about the connection. */
import type { ServerResponse } from 'node:http';
import { GET, HEAD, type Scenario } from './scenario.ts';

const OLD = 'GET / HTTP/1.0\r\n\r\n';
const OLD_KEPT = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Changes that a program makes to a response before it sends anything. */
const PREPARATIONS: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  nothing: () => {},
  'no Transfer-Encoding': (res) => res.removeHeader('Transfer-Encoding'),
  'no Content-Length': (res) => res.removeHeader('Content-Length'),
  'no Content-Length, no Transfer-Encoding': (res) => {
    res.removeHeader('Content-Length');
    res.removeHeader('Transfer-Encoding');
  },
  'no Connection': (res) => res.removeHeader('Connection'),
  'no Connection, no Content-Length, no Transfer-Encoding': (res) => {
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

/** Ways to send the response. */
const DELIVERIES: Readonly<Record<string, (res: ServerResponse, done: () => void) => unknown>> = {
  end: (res, done) => res.end('hello', done),
  'an empty end': (res, done) => res.end(done),
  'write and end': (res, done) => {
    res.write('hel');
    res.end('lo', done);
  },
  'flushHeaders and a late end': (res, done) => {
    res.flushHeaders();
    setTimeout(() => res.end('hello', done), 3);
  },
  'a late end': (res, done) => setTimeout(() => res.end('hello', done), 3),
};

const REQUESTS: Readonly<Record<string, string>> = {
  GET,
  HEAD,
  'HTTP/1.0': OLD,
  'HTTP/1.0 with keep-alive': OLD_KEPT,
  'GET with close': LAST,
};

/** Requests for which the standalone server follows HTTP/1.1 where node:http does not, by preparation. */
const EXEMPT: Readonly<Record<string, readonly string[]>> = {
  // RFC 9112 §6.1: no transfer coding in a 204, and none to a client of HTTP/1.0.
  'Transfer-Encoding: chunked with 204': Object.keys(REQUESTS),
  'Transfer-Encoding: chunked': ['HTTP/1.0', 'HTTP/1.0 with keep-alive'],
  // RFC 9112 §9.6: a connection that closes never says keep-alive, whatever the program set.
  'Connection: keep-alive': ['HTTP/1.0', 'HTTP/1.0 with keep-alive', 'GET with close'],
};

function requestsFor(what: string): [request: string, text: string][] {
  return Object.entries(REQUESTS).filter(([request]) => EXEMPT[what]?.includes(request) !== true);
}

/** A final response with an interim status: node's client would wait for another response. */
export const INTERIM_SCENARIOS: readonly Scenario[] = [100, 101, 102, 103, 199].flatMap((statusCode) =>
  Object.entries(DELIVERIES).flatMap(([how, deliver]) =>
    [GET, HEAD, LAST].map(
      (text): Scenario => ({
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

export const FRAMING_SCENARIOS: readonly Scenario[] = Object.entries(PREPARATIONS).flatMap(
  ([what, prepare]) =>
    Object.entries(DELIVERIES).flatMap(([how, deliver]) =>
      requestsFor(what).map(
        ([request, text]): Scenario => ({
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
