import { describe, expect, it } from 'vitest';
import { createEnviron, runApplication, toApplication } from '../../src/index.ts';
import type { Application, ErrorStream } from '../../src/wsgi.ts';
import { RecordingSink } from '../support/recording-sink.ts';

/** Runs an application and gives each call of `wsgi.errors`. */
async function logOf(
  application: Application,
  request: { method?: string; target?: string } = {},
): Promise<string[]> {
  const log: string[] = [];
  const errors: ErrorStream = { write: (text) => log.push(text), writelines: () => {}, flush: () => {} };
  const environ = createEnviron(
    {
      method: 'GET',
      target: '/',
      protocol: 'HTTP/1.1',
      rawHeaders: [],
      scheme: 'http',
      serverName: 'localhost',
      serverPort: '80',
      ...request,
    },
    { environ: { 'wsgi.errors': errors } },
  );
  await runApplication(toApplication(application), environ, new RecordingSink(), { closeTimeout: 10 });
  return log;
}

const fail = (): never => {
  throw new Error('boom');
};

describe('an entry of the log', () => {
  it.each<[string, Application]>([
    ['a failure before the head', fail],
    ['a rejection', async () => fail()],
    [
      'a failure after the head',
      function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield 'x';
        fail();
      },
    ],
    [
      'a failure of close()',
      (_environ, startResponse) => {
        startResponse('200 OK', []);
        return Object.assign(['x'], { close: fail });
      },
    ],
    [
      'a failure of a callback of gateway.on_finished',
      (environ, startResponse) => {
        environ['gateway.on_finished']?.(fail);
        startResponse('200 OK', []);
        return ['x'];
      },
    ],
    [
      'a failure of an application that has changed its environ',
      (environ) => {
        Object.assign(environ, { REQUEST_METHOD: 'OTHER', REQUEST_URI: '/other', 'wsgi.errors': null });
        return fail();
      },
    ],
  ])('begins with time, method and target: %s', async (_name, application) => {
    const log = await logOf(application, { method: 'POST', target: '/shop/x?a=%20b' });
    expect(log).toEqual([
      expect.stringMatching(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z POST \/shop\/x\?a=%20b Error: boom\n(.*\n)+$/,
      ),
    ]);
    expect(Math.abs(Date.parse(log[0]?.split(' ')[0] ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('so begins a warning too', async () => {
    const tooMuch: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '1']]);
      return ['xyz'];
    };
    const log = await logOf(tooMuch, { target: '/much' });
    expect(log).toEqual([
      expect.stringMatching(/^\S+Z GET \/much ApplicationError \[WSGI_ERR_CONTENT_LENGTH_EXCEEDED\]: /),
    ]);
  });

  it('so begins the hint at a listener', async () => {
    const listener = (_request: unknown, response: { end(): void }): void => response.end();
    const log = await logOf(listener as never, { target: '/hint' });
    expect(log).toHaveLength(2);
    for (const entry of log) expect(entry).toMatch(/^\S+Z GET \/hint \S/);
  });

  it('cannot be forged by a request', async () => {
    const log = await logOf(fail, { method: 'G\nT', target: '/x\r\n2026-01-01T00:00:00Z é\x1b[31m' });
    expect(log[0]?.split('\n')[0]).toMatch(
      / G\\x0aT \/x\\x0d\\x0a2026-01-01T00:00:00Z\\x20\\xe9\\x1b\[31m Error: boom$/,
    );
  });

  it('shows causes and gathered errors', async () => {
    const [entry] = await logOf(() => {
      throw new AggregateError([new Error('one')], 'all', { cause: new Error('why') });
    });
    expect(entry).toMatch(
      /Z GET \/ AggregateError: all\n[\s\S]*Error 1 of 1: Error: one\n[\s\S]*Caused by: Error: why\n/,
    );
  });
});
