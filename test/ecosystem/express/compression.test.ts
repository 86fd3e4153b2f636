/** compression: codings, threshold, exceptions, and flush(). */
import { Readable } from 'node:stream';
import { brotliDecompressSync, createGunzip, gunzipSync, inflateSync } from 'node:zlib';
import compression from 'compression';
import { describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(100);

const program = expressProgram((app) => {
  app.use(compression());
  app.get('/text', (_req, res) => void res.send(TEXT));
  app.get('/small', (_req, res) => void res.send('small'));
  app.get('/image', (_req, res) => void res.type('png').send(Buffer.alloc(5000)));
  app.get('/kept', (_req, res) => void res.set('Cache-Control', 'no-transform').send(TEXT));
  app.get('/coded', (_req, res) => void res.set('Content-Encoding', 'identity2').send(TEXT));
  app.get('/varied', (_req, res) => void res.vary('Origin').set('Content-Length', '9').send(TEXT));
  app.get('/etag', (_req, res) => void res.set('ETag', '"strong"').send(TEXT));
  app.get('/written', (_req, res) => {
    res.type('text');
    res.write(TEXT);
    res.write(TEXT, 'latin1');
    res.end('the end');
  });
  app.get('/first', (_req, res) => void res.writeHead(201, { 'Content-Type': 'text/plain' }).end(TEXT));
  app.get('/piped', (_req, res) => void Readable.from([TEXT, TEXT, TEXT]).pipe(res.type('text')));
  app.get('/large', (_req, res) => void res.send(TEXT.repeat(200)));
  app.get('/none', (_req, res) => void res.status(204).end());
});

const TARGETS =
  '/text /small /image /kept /coded /varied /etag /written /first /piped /large /none /nowhere'.split(' ');
const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync } as const;

describe('compression', () => {
  it.each(['gzip', 'br', 'deflate'] as const)('encodes with %s', async (coding) => {
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const target of TARGETS) await fetch({ target, headers: [['Accept-Encoding', coding]] });
    });
    const [text, small] = responses;
    if (text === undefined || small === undefined) throw new TypeError('Responses are missing');
    expect(text.headers).toContainEqual(['Content-Encoding', coding]);
    expect(text.headers).toContainEqual(['Vary', 'Accept-Encoding']);
    expect(DECODERS[coding](text.content).toString()).toBe(TEXT);
    expect(small.content.toString()).toBe('small');
    expect(responses.filter(({ raw }) => raw.includes(`Content-Encoding: ${coding}`))).toHaveLength(7);
  });

  it.each(['', 'identity', 'gzip;q=0.5, br;q=0.1', '*', 'gzip;q=0', 'nonsense'])(
    'chooses a coding for Accept-Encoding %j',
    async (codings) => {
      await expectAlike(program, async ({ fetch }) => {
        for (const target of ['/text', '/written', '/none', '/kept']) {
          await fetch({ target, headers: [['Accept-Encoding', codings]] });
        }
      });
    },
  );

  it('sends no content for HEAD or a matching ETag', async () => {
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      const coded = { headers: [['Accept-Encoding', 'gzip']] as [string, string][] };
      for (const target of TARGETS) await fetch({ method: 'HEAD', target, ...coded });
      const { headers } = await fetch({ target: '/text', ...coded });
      const etag = headers.find(([name]) => name === 'ETag')?.[1] ?? '';
      await fetch({ target: '/text', headers: [...coded.headers, ['If-None-Match', etag]] });
    });
    expect(responses.at(-1)?.statusCode).toBe(304);
  });

  it('sends HTTP/1.0 the whole content without a coding', async () => {
    await expectAlike(program, async (visitor) => {
      for (const target of ['/text', '/written', '/piped']) {
        const client = visitor.open();
        client.send(`GET ${target} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n`);
        await visitor.read(client);
      }
    });
  });

  it('sends each event when it is flushed, not earlier', async () => {
    const eventProgram = expressProgram((app, trail) => {
      app.use(compression());
      app.get('/events', async (_req, res) => {
        res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
        res.flushHeaders();
        for (let index = 0; index < 4; index += 1) {
          res.write(`data: ${index}\n\n`);
          res.flush();
          trail.push(`sent ${index}`);
          await new Promise((resolve) => app.once('next', resolve));
        }
        res.end();
      });
      app.get('/next', (_req, res) => {
        res.sendStatus(202);
        app.emit('next');
      });
    });
    const visit = expectAlike(
      eventProgram,
      async (visitor) => {
        const client = visitor.open();
        client.send('GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
        visitor.note((await client.readHead()).raw);
        const gunzip = createGunzip();
        let text = '';
        gunzip.on('data', (piece) => {
          text += piece;
        });
        for (let index = 0; index < 4; index += 1) {
          while (!text.endsWith(`data: ${index}\n\n`)) {
            gunzip.write(await client.readChunk());
            await new Promise<void>((resolve) => gunzip.flush(resolve));
            await new Promise(setImmediate);
          }
          visitor.note(JSON.stringify(text));
          await until(() => visitor.trail.at(-1) === `sent ${index}`);
          await visitor.fetch('/next');
        }
        for (let chunk = await client.readChunk(); chunk !== null; chunk = await client.readChunk()) {
          gunzip.write(chunk);
        }
        gunzip.end();
        await until(() => gunzip.readableEnded);
        visitor.note(text);
      },
      // Separate instances: the two servers would wake each other up.
      { isSeparate: true },
    );
    expect((await visit).text).toContain('"data: 0\\n\\ndata: 1\\n\\n"');
  });

  it('takes a filter, a threshold and a level', async () => {
    const own = expressProgram((app) => {
      app.use(compression({ threshold: 0, level: 1, filter: (req) => req.query.no === undefined }));
      app.get('/', (_req, res) => void res.send('x'));
      app.get('/empty', (_req, res) => void res.end());
    });
    const { text } = await expectAlike(own, async ({ fetch }) => {
      for (const target of ['/', '/?no', '/empty']) {
        await fetch({ target, headers: [['Accept-Encoding', 'gzip']] });
      }
    });
    expect(text.match(/Content-Encoding: gzip/g)).toHaveLength(2);
  });

  it('makes writers wait', async () => {
    const waiting = expressProgram((app, trail) => {
      app.use(compression({ level: 0 }));
      app.get('/', async (_req, res) => {
        res.type('text');
        let drains = 0;
        let go = (): void => {};
        res.on('drain', () => {
          drains += 1;
          go();
        });
        for (let index = 0; index < 40; index += 1) {
          const drained = new Promise<void>((resolve) => {
            go = resolve;
          });
          if (!res.write(Buffer.alloc(65_536, `${index % 10}`))) await drained;
        }
        trail.push(drains > 0 ? 'waited' : 'never waited');
        res.end();
      });
    });
    const { trail, responses } = await expectAlike(waiting, ({ fetch }) =>
      fetch({ headers: [['Accept-Encoding', 'gzip']] }),
    );
    expect(trail).toEqual(['waited']);
    expect(gunzipSync(responses[0]?.content ?? '')).toHaveLength(40 * 65_536);
  });
});
