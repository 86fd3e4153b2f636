/**
 * Every row of the tables in docs/http.md, sent as octets to our server and, on Node 20, to node:http.
 */
import { readFileSync } from 'node:fs';
import { createServer as createNodeServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBody } from '../src/index.ts';
import { createServer, type Server } from '../src/server/index.ts';
import { MemoryErrors } from '../src/testing/index.ts';
import type { Application } from '../src/wsgi.ts';

interface Case {
  readonly send: string;
  /** The client closes its half after sending. */
  readonly ends?: boolean;
  readonly here: RegExp;
  readonly node: RegExp;
}

const HOST = 'Host: localhost\r\n';
const POST = `POST / HTTP/1.1\r\n${HOST}`;
const SERVED = /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nserved /;
const KEPT = /^HTTP\/1\.1 200 (?:(?!closed$)[\s\S])*still open$/;
const refused = (status: number) => new RegExp(`^HTTP/1\\.1 ${status} `);
const request = (fields: string, target = '/', version = 'HTTP/1.1') =>
  `GET ${target} ${version}\r\n${fields}\r\n`;

const CASES: Record<string, Case> = {
  'two `Host` fields': { send: request(`${HOST}${HOST}`), here: refused(400), node: SERVED },
  'a malformed `Host`, such as `a b`': { send: request('Host: a b\r\n'), here: refused(400), node: SERVED },
  'a tab after `Content-Length: 5`': {
    send: `${POST}Content-Length: 5\t\r\n\r\nhello`,
    here: SERVED,
    node: refused(400),
  },
  'a tab after `Connection: close`': {
    send: request(`${HOST}Connection: close\t\r\n`),
    here: /^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*closed$/,
    node: KEPT,
  },
  '`Connection: host` and other end-to-end fields': {
    send: request(`${HOST}Connection: host\r\n`),
    here: refused(400),
    node: SERVED,
  },
  'chunked content in HTTP/1.0': {
    send: 'POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    here: refused(400),
    node: /^HTTP\/1\.1 200 [\s\S]*served /,
  },
  '`Transfer-Encoding: gzip, chunked`': {
    send: `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    here: refused(501),
    node: SERVED,
  },
  '`Connection` in a trailer section': {
    send: `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nConnection: close\r\n\r\n`,
    here: refused(400),
    node: SERVED,
  },
  'chunk extensions of more than 16 KiB in all': {
    send: `${POST}Transfer-Encoding: chunked\r\n\r\n${`1;a=${'x'.repeat(9000)}\r\nh\r\n`.repeat(2)}0\r\n\r\n`,
    here: refused(413),
    node: SERVED,
  },
  '`Content-Length` above 1 GiB': {
    send: `POST /unread HTTP/1.1\r\n${HOST}Content-Length: 2000000000\r\n\r\n`,
    here: refused(413),
    node: SERVED,
  },
  '`Expect` with `100-continue` and another member': {
    send: `${POST}Content-Length: 5\r\nExpect: y 100-continue\r\n\r\n`,
    here: refused(417),
    node: refused(100),
  },
  '`Expect: 100-continue`, for content that the application does not read': {
    send: `POST /unread HTTP/1.1\r\n${HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    here: /^HTTP\/1\.1 200 [\s\S]*closed$/,
    node: refused(100),
  },
  '`#` in the target': { send: request(HOST, '/a#b'), here: refused(400), node: SERVED },
  '`RTSP/1.0` as the version': { send: request(HOST, '/', 'RTSP/1.0'), here: refused(400), node: SERVED },
  '`HTTP/1.2`': { send: request(HOST, '/', 'HTTP/1.2'), here: SERVED, node: refused(400) },
  'a method that node:http does not know': {
    send: `INVENTED / HTTP/1.1\r\n${HOST}\r\n`,
    here: SERVED,
    node: refused(400),
  },
  '`CONNECT`, where nobody listens for it': {
    send: `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`,
    here: refused(501),
    node: /^closed$/,
  },
  'a request line of more than 16 KiB': {
    send: request(HOST, `/${'a'.repeat(20_000)}`),
    here: refused(414),
    node: refused(431),
  },
  '150 fields': {
    send: request(`${HOST}${'X-Field: 1\r\n'.repeat(150)}`),
    here: refused(431),
    node: SERVED,
  },
  'an absolute-form target with another host than `Host`': {
    send: request(HOST, 'http://example.org/'),
    here: /served example\.org/,
    node: /served localhost/,
  },
  'octets that are no request, right after a good request': {
    send: `${request(HOST)}no request\r\n\r\n`,
    here: /^HTTP\/1\.1 200 [\s\S]*served localhostHTTP\/1\.1 400 /,
    node: /^HTTP\/1\.1 400 /,
  },
  "a whole request, then the end of the client's half": {
    send: `GET /later HTTP/1.1\r\n${HOST}\r\n`,
    ends: true,
    here: SERVED,
    node: /^closed$/,
  },
  'anything that is refused': {
    send: 'no request\r\n\r\n',
    here: /^HTTP\/1\.1 400 [\s\S]*\r\nDate: [\s\S]*\r\nContent-Length: /,
    node: /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n/,
  },
  'sends more than its `Content-Length`': {
    send: request(HOST, '/long'),
    here: /\r\n\r\n12345still open$/,
    node: /\r\n\r\n1234567890/,
  },
  'sends less than its `Content-Length`': {
    send: request(HOST, '/short'),
    here: /\r\n\r\n123closed$/,
    node: /\r\n\r\n123still open$/,
  },
};

const PAGE = readFileSync(join(import.meta.dirname, '../docs/http.md'), 'utf8');
const ROWS = [...PAGE.matchAll(/^\| (.+?) \|.*\| (?:RFC) .*\|$/gm)].map(([, what = '']) => what);

let server: Server;
let nodeServer: NetServer;

beforeAll(async () => {
  // Keeps the log of the two intended faults out of the output.
  server = createServer(application, { environ: { 'wsgi.errors': new MemoryErrors() } });
  nodeServer = createNodeServer((request, response) => {
    // A client that leaves does not fail the test.
    listener(request, response).catch(() => {});
  });
  for (const each of [server, nodeServer]) {
    await new Promise<void>((resolve) => {
      each.listen(0, '127.0.0.1', resolve);
    });
  }
});

afterAll(async () => {
  await server.shutdown({ timeout: 0 });
  await new Promise((resolve) => {
    nodeServer.close(resolve);
  });
});

it('has a case for every row, and a row for every case', () => {
  expect(ROWS.sort()).toEqual(Object.keys(CASES).sort());
});

describe.concurrent.each(Object.entries(CASES))('%s', (_what, { send, ends = false, here, node }) => {
  it('here', async () => {
    expect(await exchange(server.address(), send, ends)).toMatch(here);
  });

  it.runIf(process.version.startsWith('v20.'))('node:http', async () => {
    expect(await exchange(nodeServer.address(), send, ends)).toMatch(node);
  });
});

const LENGTHS: Record<string, string> = { '/long': '1234567890', '/short': '123' };

const application: Application = async (environ, startResponse) => {
  const { PATH_INFO } = environ;
  if (PATH_INFO in LENGTHS) {
    startResponse('200 OK', [['Content-Length', '5']]);
    return [Buffer.from(LENGTHS[PATH_INFO] ?? '')];
  }
  if (PATH_INFO === '/later') await later();
  if (PATH_INFO !== '/unread') await readBody(environ);
  startResponse('200 OK', []);
  return [Buffer.from(`served ${environ.HTTP_HOST ?? ''}`)];
};

async function listener(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', headers } = request;
  const text = LENGTHS[url];
  if (text !== undefined) {
    response.setHeader('Content-Length', '5');
    response.end(text);
    return;
  }
  if (url === '/later') await later();
  if (url !== '/unread') for await (const _chunk of request);
  response.end(`served ${headers.host ?? ''}`);
}

function later(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}

/** Sends octets and returns all that arrives, with 'closed' or 'still open' at the end. */
function exchange(address: AddressInfo | string | null, send: string, ends: boolean): Promise<string> {
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a port');
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
    const finish = (end: string): void => {
      socket.destroy();
      resolve(received + end);
    };
    const whenSilent = setTimeout(() => finish('still open'), 400);
    socket.on('data', (data) => {
      received += data.toString('latin1');
      whenSilent.refresh();
    });
    for (const event of ['end', 'error', 'close']) {
      socket.on(event, () => {
        clearTimeout(whenSilent);
        finish('closed');
      });
    }
    if (ends) socket.end(send, 'latin1');
    else socket.write(send, 'latin1');
  });
}
