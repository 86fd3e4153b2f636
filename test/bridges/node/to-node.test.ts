import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toNode } from '../../../bridges/node/to-node.ts';
import { fieldValues, WireClient } from '../../../src/conformance/wire-client.ts';
import { DisconnectError } from '../../../src/errors.ts';
import type { Application, Environ, HeaderList } from '../../../src/wsgi.ts';
import { areShortcutsOff } from '../../support/shortcuts.ts';
import { answering, createLog, extension, formatRequest, listen, place, report, until } from '../site.ts';

type Before = (req: IncomingMessage, res: ServerResponse) => void;

/** Serves an application behind a listener that runs `before` first; ignores the log. */
function serve(application: Application, before: Before = () => {}) {
  const listener = toNode(application, { environ: createLog().environ });
  return listen(
    createServer((req, res) => {
      before(req, res);
      listener(req, res);
    }),
  );
}

describe('the request', () => {
  it('keeps fields that node drops from its headers object', async () => {
    const site = await serve(report);
    const headers: HeaderList = [
      ['User-Agent', 'one'],
      ['User-Agent', 'two'],
    ];
    const response = await site.fetch({ headers });
    expect(JSON.parse(response.content.toString())).toMatchObject({ HTTP_USER_AGENT: 'one, two' });
  });

  it('splits off the mount if Connect has cut the URL', async () => {
    const site = await serve(report, (req) => {
      Object.assign(req, { originalUrl: req.url, url: req.url?.replace(/^\/m(?=\/|\?|$)\/?/, '/') });
    });
    expect(await place(site, '/m')).toBe('/m + ');
    expect(await place(site, '/m/')).toBe('/m + /');
    expect(await place(site, '/m?q')).toBe('/m + ');
    expect(await place(site, '/m/x/y')).toBe('/m + /x/y');
    expect(await place(site, '/x')).toBe(' + /x');
  });

  it('has no address over a unix socket, and the port of its scheme', async () => {
    const path = join(tmpdir(), `to-node-${process.pid}.sock`);
    const server = createServer(toNode(report)).listen(path);
    onTestFinished(() => {
      server.close();
    });
    const client = new WireClient(connect(path));
    client.send(formatRequest({ headers: [['Connection', 'close']] }));
    const environ = JSON.parse((await client.readResponse()).content.toString());
    expect(environ).toMatchObject({ SERVER_NAME: 'localhost', SERVER_PORT: '80' });
    expect(environ).not.toHaveProperty('REMOTE_ADDR');
    expect(environ).not.toHaveProperty('REMOTE_PORT');
  });

  it('passes on node’s own objects', async () => {
    let environ: Environ | undefined;
    const site = await serve((given, startResponse) => {
      environ = given;
      startResponse('200 OK', []);
      return [];
    });
    await site.fetch('/');
    expect(environ?.['node.req']).toHaveProperty('rawHeaders');
    expect(environ?.['node.res']).toHaveProperty('writeHead');
    expect(environ?.['gateway.socket']).toBeInstanceOf(Socket);
  });

  it('is answered with 400 if it cannot become an environ', async () => {
    const site = await serve(report);
    const headers: HeaderList = [
      ['Content-Type', 'text/plain'],
      ['Content-Type', 'text/html'],
    ];
    const response = await site.fetch({ headers });
    expect(response.statusCode).toBe(400);
    expect(fieldValues(response, 'Connection')).toEqual(['close']);
  });
});

describe('the head', () => {
  const cookies = answering('', [
    ['Set-Cookie', 'a=1'],
    ['X-Case', 'own'],
    ['Set-Cookie', 'b=2'],
    ['Vary', 'A'],
    ['Vary', 'B'],
  ]);

  it('is sent as given', async () => {
    const { headers } = await (await serve(cookies)).fetch('/');
    // Node moves lines of one name together where the map of setHeader is not known (src/node-internals/header-map.ts).
    const middle: HeaderList = [
      ['X-Case', 'own'],
      ['Set-Cookie', 'b=2'],
    ];
    expect(headers.slice(0, 5)).toEqual([
      ['Set-Cookie', 'a=1'],
      ...(areShortcutsOff ? middle.reverse() : middle),
      ['Vary', 'A'],
      ['Vary', 'B'],
    ]);
  });

  it('has every repeated line, even if the host set headers before', async () => {
    const befores: Before[] = [
      () => {},
      (_req, res) => res.setHeader('X-Host', 'set'),
      (_req, res) => res.setHeader('X-Host', 'set').removeHeader('X-Host'),
    ];
    for (const before of befores) {
      const response = await (await serve(cookies, before)).fetch('/');
      expect(fieldValues(response, 'Set-Cookie')).toEqual(['a=1', 'b=2']);
      expect(fieldValues(response, 'Vary')).toEqual(['A', 'B']);
    }
  });

  it('keeps headers of the host, replaces those of the same name, and adds cookies', async () => {
    const site = await serve(cookies, (_req, res) => {
      res.setHeader('X-Host', 'kept').setHeader('x-case', 'host').setHeader('Set-Cookie', ['h=1', 'h=2']);
    });
    const response = await site.fetch('/');
    expect(fieldValues(response, 'X-Host')).toEqual(['kept']);
    expect(response.headers.filter(([name]) => /^x-case$/i.test(name))).toEqual([['X-Case', 'own']]);
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['h=1', 'h=2', 'a=1', 'b=2']);
  });

  it('has its own framing, not that of the host', async () => {
    const chunked: Application = function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('one');
      yield Buffer.from('two');
    };
    const withLength: Before = (_req, res) => res.setHeader('Content-Length', 1);
    const response = await (await serve(chunked, withLength)).fetch('/');
    expect(response.framing).toBe('chunked');
    expect(response.content.toString()).toBe('onetwo');
    const whole = await (await serve(answering('onetwo'), withLength)).fetch('/');
    expect(fieldValues(whole, 'Content-Length')).toEqual(['6']);
    const beside = await (await serve(chunked, (_req, res) => res.setHeader('X-Host', 'h'))).fetch('/');
    expect(beside.framing).toBe('chunked');
  });

  it('is visible to a patched writeHead', async () => {
    const seen: unknown[] = [];
    const site = await serve(cookies, (_req, res) => {
      const { writeHead } = res;
      res.writeHead = (...args: [number]) => {
        seen.push(res.getHeader('set-cookie'), res.getHeader('x-case'));
        return writeHead.apply(res, args);
      };
    });
    await site.fetch('/');
    expect(seen).toEqual([['a=1', 'b=2'], 'own']);
  });

  it('is restored when a patched writeHead throws', async () => {
    const site = await serve(answering('x', [['X-Own', '1']]), (_req, res) => {
      const { writeHead } = res;
      res.setHeader('X-Host', 'h');
      res.writeHead = () => {
        res.sendDate = false;
        res.writeHead = writeHead;
        throw new Error('patched');
      };
    });
    const response = await site.fetch('/');
    expect(response.statusCode).toBe(500);
    const names = response.headers.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(['X-Host', 'Date']));
    expect(names).not.toContain('X-Own');
  });

  it('can have any status and reason', async () => {
    const response = await (await serve(answering('', [], '799 Odd \xe9'))).fetch('/');
    expect([response.statusCode, response.reason]).toEqual([799, 'Odd \xe9']);
    expect((await (await serve(answering('', [], '200 '))).fetch('/')).reason).toBe('');
  });
});

describe('failures', () => {
  const late: Application = function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.from('begun');
    throw new Error('late');
  };

  it('before the head become a 500', async () => {
    const log = createLog();
    const listener = toNode(() => Promise.reject(new Error('early')), { environ: log.environ });
    const response = await supertest(createServer(listener)).get('/');
    expect([response.status, response.text]).toEqual([500, 'Internal Server Error\n']);
    expect(log.text).toContain('Error: early');
  });

  it('after the head cut a chunked response off after its chunks', async () => {
    const client = (await serve(late)).open();
    client.send(formatRequest('/'));
    expect((await client.readHead()).statusCode).toBe(200);
    expect((await client.readChunk())?.toString()).toBe('begun');
    await expect(client.readChunk()).rejects.toThrow('Connection ended');
  });

  it('after the head reset a connection whose end would end the content', async () => {
    const client = (await serve(late)).open();
    client.send(formatRequest({ protocol: 'HTTP/1.0' }));
    expect(await client.farewell()).toBe('reset');
  });

  it('after an answer of the host leave it alone', async () => {
    const log = createLog();
    const listener = toNode(
      async (_environ, startResponse) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        startResponse('200 OK', []);
        return [Buffer.from('too late')];
      },
      { environ: log.environ },
    );
    const site = await listen(
      createServer((req, res) => {
        listener(req, res);
        res.writeHead(503, { 'Content-Length': 4 }).write('ti');
        setTimeout(() => res.end('me'), 100);
      }),
    );
    const response = await site.fetch('/');
    expect([response.statusCode, response.content.toString()]).toEqual([503, 'time']);
    expect(log.text).toContain('Host answered');
  });
});

describe('a client that leaves', () => {
  it('ends the iteration, aborts the signal and is not logged', async () => {
    const log = createLog();
    const events: string[] = [];
    const listener = toNode(
      async function* (environ, startResponse) {
        extension<() => AbortSignal>(environ, 'gateway.signal')().addEventListener('abort', () => {
          events.push('abort');
        });
        startResponse('200 OK', []);
        try {
          for (;;) {
            yield Buffer.from('tick');
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        } finally {
          events.push('finally');
        }
      },
      { environ: log.environ },
    );
    const client = (await listen(createServer(listener))).open();
    client.send(formatRequest('/'));
    await client.readHead();
    client.reset();
    await until(() => events.includes('finally'));
    expect(events).toEqual(['abort', 'finally']);
    expect(log.text).toBe('');
  });

  it('makes pending and later reads reject', async () => {
    const failures: unknown[] = [];
    const site = await serve(async (environ) => {
      const input = environ['wsgi.input'];
      await input.read().catch((error) => failures.push(error));
      await input.read(1).catch((error) => failures.push(error));
      throw failures[0];
    });
    const client = site.open();
    client.send(formatRequest({ method: 'POST', headers: [['Content-Length', '10']], content: 'some' }));
    await until(() => true);
    setTimeout(() => client.reset(), 30);
    await until(() => failures.length === 2);
    expect(failures.every((error) => error instanceof DisconnectError)).toBe(true);
  });

  it('is noticed while the application is silent', async () => {
    let hasLeft = false;
    const site = await serve(async (environ, startResponse) => {
      const signal = extension<() => AbortSignal>(environ, 'gateway.signal')();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      hasLeft = true;
      startResponse('200 OK', []);
      return [];
    });
    const client = site.open();
    client.send(formatRequest('/'));
    setTimeout(() => client.destroy(), 30);
    await until(() => hasLeft);
  });
});
