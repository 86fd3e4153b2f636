/** Audits of bridges that turn a program into an application, on the host under audit. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { toApplication } from '../../gateway/application.ts';
import { isHopByHop } from '../../gateway/headers.ts';
import type { Application, ApplicationFunction, HeaderList } from '../../wsgi.ts';
import type { AuditHost, AuditServer, AuditWrapper, GatewayAudit, Listener } from '../audit.ts';
import { formatChunks, onStage, playOn, type RequestParts, type Stage } from '../stage.ts';
import type { WireResponse } from '../wire-client.ts';
import { type AuditRow, audit, eventually, gate, inputOf, MAX_AHEAD, standstill } from './kit.ts';

type Exchange = Parameters<Listener>;

/** The handlers of a program for node:http, by path. */
const SITE: Readonly<Record<string, (...exchange: Exchange) => void>> = {
  '/status'(_request, response) {
    response.statusCode = 207;
    response.statusMessage = 'Odd Reason';
    response.setHeader('X-Mixed-CASE', 'a');
    response.end('status');
  },
  '/cookies'(_request, response) {
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2']);
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end('cookies');
  },
  '/stream'(_request, response) {
    response.write('one');
    setTimeout(() => {
      response.write('two');
      setTimeout(() => response.end('three'), 5);
    }, 5);
  },
  '/length'(_request, response) {
    response.setHeader('Content-Length', '10');
    response.write('0123');
    response.end('456789');
  },
  '/late'(_request, response) {
    setTimeout(() => response.end('late'), 5);
  },
  '/not-modified'(_request, response) {
    response.writeHead(304, { ETag: '"audit"' });
    response.end();
  },
  '/no-content'(_request, response) {
    response.writeHead(204).end();
  },
  '/empty'(_request, response) {
    response.end();
  },
  '/echo'(request, response) {
    request.pipe(response);
  },
  '/query'(request, response) {
    response.end(request.url);
  },
  '/error'() {
    throw new Error('audit of line 215');
  },
};

const site: Listener = (request, response) => {
  const [path = ''] = request.url?.split('?', 1) ?? [];
  const answer = SITE[path];
  if (answer !== undefined) answer(request, response);
  else response.writeHead(404).end('missing');
};

const REQUESTS: readonly RequestParts[] = [
  ...Object.keys(SITE).map((target) => ({ target })),
  ...Object.keys(SITE).map((target) => ({ target, method: 'HEAD' })),
  { target: '/missing' },
  { target: '/query?a=%41&b' },
  { target: '/echo', method: 'POST', content: 'content' },
  { target: '/echo', method: 'PUT', chunks: ['some ', 'chunks'] },
  { target: '/stream', protocol: 'HTTP/1.0' },
];

/** The audits of lines 215 to 218. */
export const WRAPPING_AUDITS: readonly GatewayAudit[] = [
  wrapAudit({
    id: 'bridge-215-same-answers',
    sentence: 'MUST let a wrapped program answer as it does without a gateway',
    citation: 'a2wsgi README; gateway semantics §5.7',
    async run(host, wrapper) {
      const direct = await collect(await wrapper.serve(site), host);
      await onStage(host, wrapper.wrap(site), async (stage) => {
        for (const [index, request] of REQUESTS.entries()) {
          const what = `${wrapper.name} ${JSON.stringify(request)}`;
          deepEqual(comparable(await stage.fetch(request), host), direct[index], what);
        }
      });
    },
  }),
  wrapAudit({
    id: 'bridge-216-hop-by-hop',
    sentence: 'MUST NOT pass hop-by-hop fields of a wrapped program to startResponse',
    citation: 'PEP 3333, Other HTTP Features',
    async run(host, wrapper) {
      const names: string[] = [];
      const listener: Listener = (_request, response) => {
        response.setHeader('Connection', 'close');
        response.setHeader('Keep-Alive', 'timeout=9');
        response.setHeader('Transfer-Encoding', 'chunked');
        response.setHeader('X-Kept', '1');
        response.write('one ');
        response.end('two');
      };
      const recording = recordHeaders(toApplication(wrapper.wrap(listener)), names);
      await onStage(host, recording, async ({ fetch }) => {
        const { statusCode, content } = await fetch();
        equal(statusCode, 200);
        equal(content.toString(), 'one two');
        deepEqual(names.filter(isHopByHop), []);
        assert.ok(names.includes('X-Kept'), 'Other fields must be passed on');
      });
    },
  }),
  wrapAudit({
    id: 'bridge-217-request-backpressure',
    sentence: 'MUST NOT take more of the content than the wrapped program reads',
    citation: 'a2wsgi README; gateway semantics §5.7',
    async run(host, wrapper) {
      const { opened, open: release } = gate();
      const listener: Listener = (request, response) => {
        let length = 0;
        void opened.then(() => {
          request.on('data', (chunk: Buffer) => {
            length += chunk.length;
          });
          request.on('end', () => response.end(String(length)));
        });
      };
      await onStage(host, wrapper.wrap(listener), async ({ open, format }) => {
        const size = 1 << 16;
        const count = 512;
        let taken = 0;
        const client = open();
        const head: RequestParts = { method: 'POST', headers: [['Transfer-Encoding', 'chunked']] };
        client.send(format(head));
        const upload = async (): Promise<void> => {
          const chunk = formatChunks([new Uint8Array(size)]);
          for (; taken < count; taken += 1) {
            await new Promise<void>((resolve) => client.socket.write(chunk, () => resolve()));
          }
          client.send('0\r\n\r\n');
        };
        const uploaded = upload();
        const ahead = (await standstill(() => taken)) * size;
        assert.ok(ahead <= MAX_AHEAD, `${ahead} octets were taken while the program read none`);
        release();
        await uploaded;
        equal((await client.readResponse()).content.toString(), String(size * count));
      });
    },
  }),
  wrapAudit({
    id: 'bridge-217-disconnect',
    sentence: 'MUST tell a wrapped program that the client has left, and not that its response has finished',
    citation: 'a2wsgi README; gateway semantics §5.7',
    async run(host, wrapper) {
      const events: string[] = [];
      const listener: Listener = (request, response) => {
        request.on('close', () => events.push('request close'));
        response.on('finish', () => events.push('finish'));
        response.on('close', () => events.push(`response close ${response.writableFinished}`));
        response.write('begun');
      };
      await onStage(host, wrapper.wrap(listener), async ({ open, format }) => {
        const client = open();
        client.send(format());
        await client.readHead();
        await client.readChunk();
        client.reset();
        await eventually(() => events.length >= 2, 'request and response close');
        await delay(20);
        deepEqual(events.sort(), ['request close', 'response close false']);
      });
    },
  }),
  wrapAudit({
    id: 'bridge-217-finish',
    sentence: 'MUST set writableEnded when a wrapped program ends its response, then emit finish and close',
    citation: 'a2wsgi README; gateway semantics §5.7',
    async run(host, wrapper) {
      const events: string[] = [];
      const listener: Listener = (_request, response) => {
        response.on('finish', () =>
          events.push(`finish ${response.writableEnded} ${response.writableFinished}`),
        );
        response.on('close', () => events.push('close'));
        events.push(`before ${response.writableEnded}`);
        response.end('whole');
        events.push(`after ${response.writableEnded}`);
      };
      await onStage(host, wrapper.wrap(listener), async ({ fetch }) => {
        equal((await fetch()).content.toString(), 'whole');
        await eventually(() => events.length === 4, 'finish and close are told');
        deepEqual(events, ['before false', 'after true', 'finish true true', 'close']);
      });
    },
  }),
  wrapAudit({
    id: 'bridge-218-round-trip',
    sentence: 'MUST let a wrapped program at a mount see and answer requests as in a program of its own kind',
    citation: 'a2wsgi README',
    needs: ['mount'],
    async run(host, wrapper) {
      if (wrapper.mount === undefined) return;
      const seen: unknown[] = [];
      const listener: Listener = (request, response) => {
        // Express adds two properties that the types of node:http lack.
        const { originalUrl, baseUrl } = request as { originalUrl?: string; baseUrl?: string };
        const { method, url, rawHeaders } = request;
        seen.push({ method, url, originalUrl, baseUrl, rawHeaders });
        site(request, response);
      };
      const direct = await collect(await wrapper.mount(listener, '/m'), host);
      const expected = seen.splice(0);
      const act = async (stage: Stage): Promise<void> => {
        for (const [index, request] of REQUESTS.entries()) {
          const what = `${wrapper.name} ${JSON.stringify(request)}`;
          deepEqual(comparable(await stage.fetch(request), host), direct[index], what);
          deepEqual(seen[index], expected[index], what);
        }
      };
      await onStage(host, wrapper.wrap(listener), act, { mounts: ['/m'] });
    },
  }),
  wrapAudit({
    id: 'bridge-242-changed-fields',
    sentence: 'MUST show a wrapped program the fields as middleware left them in the environ',
    citation: 'PEP 3333, Middleware',
    needs: ['field-lines'],
    async run(host, wrapper) {
      const seen: Pick<IncomingMessage, 'headers' | 'rawHeaders'>[] = [];
      const listener: Listener = ({ headers, rawHeaders, headersDistinct }, response) => {
        deepEqual(headersDistinct['x-list'], ['1', '2']);
        seen.push({ headers, rawHeaders });
        response.end();
      };
      const program = toApplication(wrapper.wrap(listener));
      const middleware: Application = (environ, startResponse) => {
        delete environ.HTTP_COOKIE;
        const changes = { HTTP_HOST: 'new.test', HTTP_X_REMOTE_USER: 'emma', HTTP_X_LIST: ['1', '2'] };
        return program(Object.assign(environ, changes), startResponse);
      };
      const headers: HeaderList = [
        ['X-List', 'a'],
        ['cookie', 'c=1'],
        ['x-KEPT', '1'],
        ['X-Kept', '2'],
        ['x-list', 'b'],
      ];
      await onStage(host, middleware, async ({ fetch }) => {
        equal((await fetch({ headers })).statusCode, 200, wrapper.name);
      });
      const [request] = seen;
      assert.ok(request !== undefined, wrapper.name);
      equal(request.headers.host, 'new.test', wrapper.name);
      equal(request.headers.cookie, undefined, wrapper.name);
      equal(request.headers['x-kept'], '1, 2', wrapper.name);
      if (!host.capabilities.has('as-received')) return;
      const lines = ['X-List', '1', 'X-List', '2', 'x-KEPT', '1', 'X-Kept', '2', 'X-Remote-User', 'emma'];
      deepEqual(inCaseOf(host, request.rawHeaders.slice(-10)), inCaseOf(host, lines), wrapper.name);
    },
  }),
  wrapAudit({
    id: 'bridge-242-changed-content',
    sentence: 'MUST let a wrapped program read the content that middleware has put into the environ',
    citation: 'PEP 3333, Middleware',
    needs: ['field-lines'],
    async run(host, wrapper) {
      const listener: Listener = (request, response) => {
        let text = '';
        request.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
        });
        request.on('end', () => response.end(`${request.headers['content-encoding']} ${text}`));
      };
      const program = toApplication(wrapper.wrap(listener));
      const plain = 'inflated '.repeat(1000);
      const inflate = (isSized: boolean): Application => {
        return (environ, startResponse) => {
          delete environ.HTTP_CONTENT_ENCODING;
          delete environ.CONTENT_LENGTH;
          if (isSized) environ.CONTENT_LENGTH = String(plain.length);
          environ['wsgi.input'] = inputOf(plain);
          return program(environ, startResponse);
        };
      };
      for (const isSized of [true, false]) {
        await onStage(host, inflate(isSized), async ({ fetch }) => {
          const coded: HeaderList = [['Content-Encoding', 'x-test']];
          for (const request of [{ content: 'short' }, { chunks: ['short'] }]) {
            const { content } = await fetch({ method: 'POST', headers: coded, ...request });
            equal(content.toString(), `undefined ${plain}`, `${wrapper.name} ${isSized}`);
          }
        });
      }
    },
  }),
  wrapAudit({
    id: 'bridge-246-one-framing',
    sentence: 'MUST NOT send Content-Length with Transfer-Encoding, whatever a wrapped program has set',
    citation: 'RFC 9112 §6.2',
    async run(host, wrapper) {
      const listener: Listener = (request, response) => {
        const [, names = '', , pieces = ''] = request.url?.split('/') ?? [];
        const [status = 200] = names.split('-').filter(Number).map(Number);
        response.statusCode = status;
        if (names.includes('te')) response.setHeader('Transfer-Encoding', 'chunked');
        if (names.includes('cl')) response.setHeader('Content-Length', pieces.length);
        for (const piece of pieces.slice(1)) response.write(piece);
        response.end(pieces.slice(0, 1));
      };
      await onStage(host, wrapper.wrap(listener), async ({ fetch }) => {
        for (const method of ['GET', 'HEAD']) {
          for (const names of ['te', 'cl', 'te-cl', 'te-204', 'te-304', 'cl-304', 'none']) {
            for (const pieces of ['', 'a', 'abc']) {
              const what = `${wrapper.name} ${method} ${names} ${pieces}`;
              const { headers, statusCode } = await fetch({ method, target: `/${names}/x/${pieces}` });
              const framing = headers.map(([name]) => name.toLowerCase()).filter((name) => FRAMING.has(name));
              assert.ok(framing.length < 2, `${what}: ${framing.join(' and ')}`);
              assert.ok(statusCode < 500, what);
            }
          }
        }
      });
    },
  }),
];

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Makes an audit that runs on every bridge of the host. */
export function wrapAudit(
  row: AuditRow & { run(host: AuditHost, wrapper: AuditWrapper): Promise<void> },
): GatewayAudit {
  return audit({
    ...row,
    needs: ['wrap', ...(row.needs ?? [])],
    async run(host) {
      assert.ok(host.wrappers?.length, `Host ${host.name} has the capability 'wrap' but no wrappers`);
      for (const wrapper of host.wrappers) await row.run(host, wrapper);
    },
  });
}

/** Collects the answers of a server to all requests. */
async function collect(server: AuditServer, host: AuditHost): Promise<unknown[]> {
  const answers: unknown[] = [];
  await playOn(server, async ({ fetch }) => {
    for (const request of REQUESTS) answers.push(comparable(await fetch(request), host));
  });
  return answers;
}

/**
 * Reduces a response to the parts that must be equal. Date, hop-by-hop fields and the host's own fields may differ;
 * on some hosts also the case of names, and the framing.
 */
function comparable(response: WireResponse, { capabilities, ownFields = [] }: AuditHost): unknown {
  const reason = capabilities.has('http1') && response.reason;
  const foreign = new Set(['date', ...ownFields.map((name) => name.toLowerCase())]);
  const isFramingKept = capabilities.has('framing-choice');
  const headers = response.headers
    .map(([name, value]) => [capabilities.has('field-case') ? name : name.toLowerCase(), value] as const)
    .filter(([name]) => !isHopByHop(name) && !foreign.has(name.toLowerCase()))
    .filter(([name]) => isFramingKept || name.toLowerCase() !== 'content-length');
  if (!capabilities.has('as-received')) headers.sort(([a], [b]) => Number(a > b) - Number(a < b));
  const framing = isFramingKept && [response.framing, response.chunks.map(String)];
  return { status: response.statusCode, reason, headers, framing, content: String(response.content) };
}

/** Makes field lines comparable: names that came over HTTP/2 are lower case (RFC 9113 §8.2). */
function inCaseOf({ capabilities }: AuditHost, lines: readonly string[]): string[] {
  return lines.map((text) => (capabilities.has('http1') ? text : text.toLowerCase()));
}

/** Records the names of all headers that are passed to startResponse. */
function recordHeaders(application: ApplicationFunction, names: string[]): Application {
  return (environ, startResponse) =>
    application(environ, (status, headers, excInfo) => {
      names.push(...headers.map(([name]) => name));
      return startResponse(status, headers, excInfo);
    });
}
