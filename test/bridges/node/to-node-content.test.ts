import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { toNode } from '../../../bridges/node/to-node.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import { createServer as createOwnServer } from '../../../src/server/index.ts';
import type { Application, HeaderList } from '../../../src/wsgi.ts';
import { answering, createLog, extension, formatRequest, listen, report, siteOf, until } from '../site.ts';
import { slowReading } from '../slow-reader.ts';

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

describe('content', () => {
  const UPLOAD = Buffer.alloc(4 * 1024 * 1024, 'u');

  it('that is not read does not hold up the next request', async () => {
    const client = (await serve(answering('answered'))).open();
    for (let turn = 0; turn < 2; turn += 1) {
      client.send(formatRequest({ method: 'POST', content: UPLOAD }));
      expect((await client.readResponse()).content.toString()).toBe('answered');
    }
  });

  it('that is read in part does not hold up the next request', async () => {
    const site = await serve(async (environ, startResponse) => {
      const begin = await environ['wsgi.input'].read(3);
      startResponse('200 OK', []);
      return [begin];
    });
    const client = site.open();
    for (let turn = 0; turn < 2; turn += 1) {
      client.send(formatRequest({ method: 'POST', content: UPLOAD }));
      expect((await client.readResponse()).content.toString()).toBe('uuu');
    }
  });

  it('is accepted from a client that sends everything before it reads', async () => {
    const big = Buffer.alloc(16 * 1024 * 1024, 'b');
    const site = await serve(answering(big.toString()));
    const client = site.open();
    const content = Buffer.alloc(32 * 1024 * 1024, 'u');
    await new Promise((resolve) => {
      client.socket.write(formatRequest({ method: 'POST', content }), resolve);
    });
    expect((await client.readResponse()).content.length).toBe(big.length);
  });

  it('can be read to its end after the response', async () => {
    let content = '';
    const site = await serve((environ, startResponse) => {
      void environ['wsgi.input'].read().then((octets) => {
        content = Buffer.from(octets).toString();
      });
      startResponse('202 Accepted', []);
      return [];
    });
    const client = site.open();
    client.send(formatRequest({ method: 'POST', headers: [['Content-Length', '6']], content: 'one' }));
    expect((await client.readResponse()).statusCode).toBe(202);
    client.send('two');
    await until(() => content !== '');
    expect(content).toBe('onetwo');
  });

  it('is shared with a host that also listens to it', async () => {
    let seen = 0;
    const site = await serve(
      async (environ, startResponse) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        const content = await environ['wsgi.input'].read();
        startResponse('200 OK', []);
        return [`${content.length}`];
      },
      (req) => {
        req.on('data', (chunk: Buffer) => {
          seen += chunk.length;
        });
      },
    );
    const response = await site.fetch({ method: 'POST', content: UPLOAD });
    expect(response.content.toString()).toBe(`${UPLOAD.length}`);
    expect(seen).toBe(UPLOAD.length);
  });

  it('is octets for the application if the host set an encoding', async () => {
    const site = await serve(report, (req) => req.setEncoding('utf8'));
    const response = await site.fetch({ method: 'POST', content: 'caf\u00e9' });
    expect(JSON.parse(response.content.toString()).content).toBe('caf\xc3\xa9');
  });

  it('is requested with 100 (Continue) on checkContinue when it is read', async () => {
    const server = createServer();
    server.on('checkContinue', toNode(report));
    const client = (await listen(server)).open();
    const headers: HeaderList = [
      ['Expect', '100-continue'],
      ['Content-Length', '2'],
    ];
    client.send(formatRequest({ method: 'POST', headers }));
    expect((await client.readHead()).statusCode).toBe(100);
    client.send('go');
    expect(JSON.parse((await client.readResponse()).content.toString()).content).toBe('go');
  });
});

describe('the connection', () => {
  it('carries interim responses of any kind, but not over HTTP/1.0', async () => {
    const site = await serve((environ, startResponse) => {
      const informational = extension<(code: number, headers: HeaderList) => void>(
        environ,
        'gateway.informational',
      );
      informational(102, []);
      informational(103, [['X-Hint', 'no link']]);
      startResponse('200 OK', []);
      return [];
    });
    const { interim } = await site.fetch('/');
    expect(interim.map(({ statusCode, headers }) => [statusCode, headers])).toEqual([
      [102, []],
      [103, [['X-Hint', 'no link']]],
    ]);
    expect((await site.fetch({ protocol: 'HTTP/1.0' })).interim).toEqual([]);
  });

  it('carries them in the order of pipelined requests, also through our own server', async () => {
    const application: Application = async (environ, startResponse) => {
      extension<(headers: HeaderList) => void>(
        environ,
        'gateway.early_hints',
      )([['X-For', environ.PATH_INFO]]);
      if (environ.PATH_INFO === '/1') await new Promise((resolve) => setTimeout(resolve, 30));
      startResponse('200 OK', []);
      return [];
    };
    const own = createOwnServer(application).removeAllListeners('request');
    own.on('request', toNode(application));
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    for (const site of [await serve(application), siteOf(own)]) {
      const client = site.open();
      client.send(Buffer.concat([formatRequest('/1'), formatRequest('/2')]));
      for (const path of ['/1', '/2']) {
        const { interim } = await client.readResponse();
        expect(interim.map(({ statusCode, headers }) => [statusCode, headers])).toEqual([
          [103, [['X-For', path]]],
        ]);
      }
    }
  });

  it('sends none to a client that reads nothing, nor does our own server', async () => {
    const application: Application = (environ, startResponse) => {
      const earlyHints = extension<(headers: HeaderList) => void>(environ, 'gateway.early_hints');
      const hint = 'x'.repeat(10_000);
      for (let count = 0; count < 3000; count += 1) earlyHints([['X-Hint', hint]]);
      // Set by both hosts.
      const { writableLength: waiting } = environ['gateway.socket'] as Socket;
      startResponse('200 OK', []);
      return [waiting < 1_000_000 ? 'bounded' : `${waiting} octets wait`];
    };
    const own = createOwnServer(application);
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    for (const site of [await serve(application), siteOf(own)]) {
      expect((await site.fetch('/')).content.toString()).toBe('bounded');
    }
  });

  it('carries trailer sections both ways', async () => {
    const site = await serve(async function* (environ, startResponse) {
      startResponse('200 OK', []);
      await environ['wsgi.input'].read();
      const trailers = await extension<() => Promise<HeaderList>>(environ, 'gateway.trailers')();
      yield Buffer.from('x');
      extension<(headers: HeaderList) => void>(
        environ,
        'gateway.send_trailers',
      )([...trailers, ['X-Twice', '1'], ['X-Twice', '2']]);
    });
    const client = site.open();
    const headers: HeaderList = [['Transfer-Encoding', 'chunked']];
    client.send(formatRequest({ method: 'POST', headers, content: '1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n' }));
    expect((await client.readResponse()).trailers).toEqual([
      ['X-Sum', '7'],
      ['X-Twice', '1'],
      ['X-Twice', '2'],
    ]);
  });

  it('gives no trailers at once if there is no content', async () => {
    const site = await serve(async (environ, startResponse) => {
      const content = await environ['wsgi.input'].read();
      const trailers = await extension<() => Promise<HeaderList>>(environ, 'gateway.trailers')();
      startResponse('200 OK', []);
      return [`${content.length} ${trailers.length}`];
    });
    expect((await site.fetch('/')).content.toString()).toBe('0 0');
  });

  it('obeys a wrapped application', async () => {
    const site = await serve((environ, startResponse) => {
      extension<(directives: object) => void>(
        environ,
        'gateway.connection',
      )({ close: true, sendDate: false, computeLength: false });
      startResponse('200 OK', []);
      return [Buffer.from('one')];
    });
    const response = await site.fetch('/');
    expect(response.framing).toBe('chunked');
    expect(fieldValues(response, 'Connection')).toEqual(['close']);
    expect(fieldValues(response, 'Date')).toEqual([]);
  });

  it('flushes compressing middleware after each chunk', async () => {
    let flushes = 0;
    const site = await serve(
      function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('one');
        yield Buffer.from('two');
      },
      (_req, res) => {
        const flush = (): void => {
          flushes += 1;
        };
        Object.assign(res, { flush });
      },
    );
    await site.fetch('/');
    expect(flushes).toBe(2);
  });

  it('passes the pace of a slow reader on to the application', async () => {
    const { application, read } = slowReading();
    await read((await serve(application)).open(), '/');
  });
});
