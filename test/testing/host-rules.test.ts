/** A test fails where a host refuses, logs or cuts off, with the error that the host would log. */
import { describe, expect, it } from 'vitest';
import { Headers, ProtocolError } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';
import { buildEnviron, createClient, MemoryErrors, runApp } from '../../src/testing/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { listen } from '../bridges/site.ts';

const TEXT: HeaderList = [['Content-Type', 'text/plain']];
const octets = (text: string): Uint8Array => Buffer.from(text);

/** Answers with a head and chunks, in several forms. */
const FORMS: Readonly<
  Record<string, (status: string, headers: HeaderList, chunks: readonly string[]) => Application>
> = {
  array: (status, headers, chunks) => (_environ, startResponse) => {
    startResponse(status, headers);
    return chunks.map(octets);
  },
  'async array': (status, headers, chunks) => async (_environ, startResponse) => {
    startResponse(status, headers);
    return chunks.map(octets);
  },
  generator: (status, headers, chunks) =>
    function* (_environ, startResponse) {
      startResponse(status, headers);
      yield* chunks.map(octets);
    },
  'async generator': (status, headers, chunks) =>
    async function* (_environ, startResponse) {
      startResponse(status, headers);
      yield* chunks.map(octets);
    },
  'write()': (status, headers, chunks) => (_environ, startResponse) => {
    const write = startResponse(status, headers);
    for (const chunk of chunks) write(octets(chunk)).catch(() => {});
    return [];
  },
};

const length = (value: number): HeaderList => [...TEXT, ['Content-Length', String(value)]];

/** Responses that every host refuses or logs. */
const FAULTS: [name: string, status: string, headers: HeaderList, chunks: string[], code: string][] = [
  ['short content', '200 OK', length(3), ['a'], 'WSGI_ERR_CONTENT_LENGTH_SHORT'],
  ['long content', '200 OK', length(3), ['ab', 'cd'], 'WSGI_ERR_CONTENT_LENGTH_EXCEEDED'],
  ['content with 204', '204 No Content', [], ['a'], 'WSGI_ERR_CONTENT_FORBIDDEN'],
  ['content with 304', '304 Not Modified', [], ['a'], 'WSGI_ERR_CONTENT_FORBIDDEN'],
];

describe.each(Object.entries(FORMS))('of the form %s', (_form, make) => {
  it.each(FAULTS)('%s fails the test', async (_name, status, headers, chunks, code) => {
    const application = make(status, headers, chunks);
    // Nobody reads the content.
    const ask = (validate: boolean): Promise<unknown> => createClient(application, { validate }).get('/');
    await expect(ask(false)).rejects.toMatchObject({ code });
    await expect(ask(true)).rejects.toMatchObject({ code: 'WSGI_ERR_RULE_BROKEN' });
  });

  it('content in answer to HEAD is a warning, and dropped', async () => {
    const response = await createClient(make('200 OK', TEXT, ['ab'])).head('/');
    expect(await response.text()).toBe('');
    expect(response.warnings.map(({ rule }) => rule)).toEqual(['body-139-head']);
  });
});

describe('a test fails', () => {
  it.each<[string, Application, string]>([
    [
      'data before startResponse',
      function* (_environ, startResponse) {
        yield octets('a');
        startResponse('200 OK', TEXT);
      },
      'WSGI_ERR_START_RESPONSE_MISSING',
    ],
    [
      'write(5), not awaited',
      (_environ, startResponse) => {
        void startResponse('200 OK', TEXT)(5 as never).catch(() => {});
        return [];
      },
      'WSGI_ERR_CHUNK_INVALID',
    ],
    [
      'write beyond the length, not awaited',
      (_environ, startResponse) => {
        void startResponse('200 OK', length(1))(octets('ab'));
        return [];
      },
      'WSGI_ERR_CONTENT_LENGTH_EXCEEDED',
    ],
  ])('by %s', async (_name, application, code) => {
    await expect(runApp(application, buildEnviron(), { validate: false })).rejects.toMatchObject({ code });
    await expect(runApp(application, buildEnviron())).rejects.toMatchObject({ code: 'WSGI_ERR_RULE_BROKEN' });
  });

  it('by excInfo after the head, though the application swallows it', async () => {
    const error = new Error('audit');
    const application: Application = function* (_environ, startResponse) {
      startResponse('200 OK', TEXT);
      yield octets('a');
      try {
        startResponse('500 Sorry', TEXT, error);
      } catch {}
      yield octets('b');
    };
    for (const catchExcInfo of [true, false]) {
      const client = createClient(application, { catchExcInfo });
      await expect(client.get('/')).rejects.toBe(error);
      const response = await client.get('/', { buffered: false });
      await expect(response.text()).rejects.toBe(error);
    }
  });

  it('by excInfo before the head, unless the test wants the error page', async () => {
    const error = new Error('audit');
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      startResponse('500 Sorry', TEXT, error);
      return [octets('sorry')];
    };
    await expect(createClient(application).get('/')).rejects.toBe(error);
    const response = await createClient(application, { catchExcInfo: true }).get('/');
    expect([response.status, await response.text()]).toEqual(['500 Sorry', 'sorry']);
  });

  it('by a failing close() and a failing callback of gateway.on_finished', async () => {
    const error = new Error('audit');
    const closing: Application = (_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return Object.assign([octets('a')], {
        close: () => {
          throw error;
        },
      });
    };
    const calling: Application = (environ, startResponse) => {
      environ['gateway.on_finished']?.(() => Promise.reject(error));
      startResponse('200 OK', TEXT);
      return [octets('a')];
    };
    for (const application of [closing, calling])
      await expect(
        createClient(application)
          .get('/')
          .then((response) => response.text()),
      ).rejects.toBe(error);
  });

  it('by a rule that the application catches', async () => {
    const application: Application = (_environ, startResponse) => {
      try {
        startResponse('200', TEXT);
      } catch (error) {
        startResponse('500 Sorry', TEXT, error);
      }
      return [];
    };
    await expect(createClient(application, { catchExcInfo: true }).get('/')).rejects.toMatchObject({
      rule: 'start-response-59-status-form',
    });
  });
});

describe('as on hosts', () => {
  const hello: Application = (_environ, startResponse) => {
    startResponse('200 OK', TEXT);
    return ['Hello ', 'world'];
  };

  it('strings pass with a warning, or fail with strict', async () => {
    const response = await createClient(hello).get('/');
    expect(await response.text()).toBe('Hello world');
    expect(response.warnings.map(({ rule }) => rule)).toEqual(['body-101-strings']);
    await expect(createClient(hello, { strict: true }).get('/')).rejects.toMatchObject({
      rule: 'body-101-strings',
    });
    await expect(createClient(hello, { strict: true, validate: false }).get('/')).rejects.toMatchObject({
      code: 'WSGI_ERR_CHUNK_INVALID',
    });
  });

  it('Content-Length is that of a host', async () => {
    const site = await listen(createServer(hello));
    const wire = new Headers((await site.fetch('/')).headers).get('Content-Length');
    expect((await createClient(hello).get('/')).headers.get('Content-Length')).toBe(wire);
    expect(wire).toBe('11');
  });

  it('hop-by-hop headers may be dropped', async () => {
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...TEXT, ['Connection', 'close']]);
      return [];
    };
    await expect(createClient(application).get('/')).rejects.toMatchObject({
      rule: 'start-response-69-hop-by-hop',
    });
    const { headers } = await createClient(application, { hopByHop: 'drop' }).get('/');
    expect(headers.has('Connection')).toBe(false);
  });

  it('a ProtocolError is answered', async () => {
    const application: Application = () => Promise.reject(new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 5));
    expect((await createClient(application).post('/')).statusCode).toBe(413);
  });

  it('early hints, trailers and on_finished work', async () => {
    const finished: unknown[] = [];
    const application: Application = (environ, startResponse) => {
      environ['gateway.on_finished']?.((_environ, status, _headers, error) => finished.push(status, error));
      environ['gateway.early_hints']?.([['Link', '</style.css>']]);
      startResponse('200 OK', TEXT);
      environ['gateway.send_trailers']?.([['Server-Timing', 'a']]);
      return [octets('a')];
    };
    const response = await createClient(application).get('/');
    expect(response.interim).toMatchObject([{ statusCode: 103 }]);
    expect(response.interim[0]?.headers.get('Link')).toBe('</style.css>');
    await response.text();
    expect(response.trailers.get('Server-Timing')).toBe('a');
    expect(finished).toEqual(['200 OK', undefined]);
  });

  it('an error that comes after the end is logged', async () => {
    const errors = new MemoryErrors();
    let late: (() => unknown) | undefined;
    const application: Application = (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT);
      late = () => write(octets('a'));
      return [];
    };
    await (await runApp(application, buildEnviron('/', { errors }))).body.text();
    expect(() => late?.()).toThrow();
    expect(errors.text).toContain('write-90-after-the-end');
  });
});
