import express from 'express';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { disconnection, ProtocolError } from '../../src/errors.ts';
import { errorPage } from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, HOSTS } from './kit.ts';

const HTML: HeaderList = [['Accept', 'text/html,*/*']];

class Oops extends Error {
  override readonly name = 'Oops';
}

/** Makes an error whose stack has another message than itself. */
function reworded(message: string, later: string): Error {
  const error = new Error(message);
  // Tools that map sources make the stack at the first look.
  String(error.stack);
  return Object.assign(error, { message: later });
}

const fault = (): Oops => new Oops('<b>"it\'s" broken</b>', { cause: new TypeError('the cause') });

const FAILING: Record<string, Application> = {
  'a function': () => {
    throw fault();
  },
  'an async function': async () => {
    throw fault();
  },
  'a function that has begun': (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Length', '5']]);
    throw fault();
  },
  'a file whose length is known': (environ, startResponse) => {
    startResponse('200 OK', []);
    const read = async (): Promise<never> => Promise.reject(fault());
    return environ['wsgi.file_wrapper']?.({ stat: () => ({ size: 100_000 }), tell: () => 0, read }) ?? [];
  },
  'a generator': function* (_environ, startResponse) {
    startResponse('200 OK', [['Content-Length', '5']]);
    yield '';
    throw fault();
  },
  'an async generator': async function* (_environ, startResponse) {
    startResponse('200 OK', [['Content-Length', '5']]);
    yield '';
    throw fault();
  },
};

describe('errorPage', () => {
  it.each(
    Object.entries(FAILING).flatMap(([form, application]) =>
      Object.entries(HOSTS).map(([host, ask]) => [form, host, application, ask] as const),
    ),
  )('shows the error of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(errorPage({ show: true })(application), { path: '/<i>', headers: HTML });
    expect(answer.status).toBe('500 Internal Server Error');
    expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(answer.headers.get('Content-Length')).not.toBe('5');
    expect(answer.text).toContain('<h1>Oops: &lt;b&gt;&quot;it&#39;s&quot; broken&lt;/b&gt;</h1>');
    expect(answer.text).toContain('Caused by: TypeError: the cause');
    expect(answer.text).toMatch(/<mark> +\d+ {2}const fault = \(\): Oops =&gt; new Oops/);
    expect(answer.text).toContain('error-page.test.ts');
    expect(answer.text).not.toContain('<b>');
    expect(answer.text).not.toContain('<i>');
    expect(answer.log).toContain('Oops: <b>');
    expect(answer.log.match(/Oops: /g)).toHaveLength(1);
  });

  it.each(Object.entries(FAILING))('gives HEAD no content: %s', async (_form, application) => {
    const answer = await askInProcess(validate(errorPage({ show: true })(application)), { method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual(['500 Internal Server Error', '']);
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(answer.log).not.toContain('HEAD:');
  });

  it.each([
    ['a message', (message: string) => new Error(message)],
    ['the message of a cause', (message: string) => new Error('x', { cause: new Error(message) })],
    ['a message that was changed', (message: string) => reworded(message, 'other')],
    ['a message that was emptied', (message: string) => reworded(message, '')],
  ])('shows no file that %s names', async (_place, make) => {
    const file = new URL('../../package.json', import.meta.url).pathname;
    const failing: Application = () => {
      throw make(`No such page: /\n    at ${file}:2:1\n    at f (file://${file}:2:1)`);
    };
    const answer = await askInProcess(errorPage({ show: true })(failing), { headers: HTML });
    expect(answer.text).not.toContain('&quot;version&quot;');
  });

  it('gives others than browsers the stack as text', async () => {
    const answer = await askInProcess(errorPage({ show: true })(FAILING['a function'] as Application));
    expect(answer.headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
    expect(answer.text).toMatch(/^Oops: <b>"it's" broken<\/b>\n {4}at fault .*\n/);
    expect(answer.text).toContain('\nCaused by: TypeError: the cause\n');
  });

  it('shows no secret', async () => {
    // In two parts, because the page shows these lines.
    const secret = ['S3', 'CRET'].join('');
    const answer = await askInProcess(errorPage({ show: true })(FAILING['a function'] as Application), {
      path: `/?access_token=${secret}&page=2&pass%77ord=${secret}`,
      headers: [
        ...HTML,
        ['Cookie', `a=${secret}`],
        ['Authorization', `Bearer ${secret}`],
        ['X-Api-Key', secret],
        ['X-CSRF-Token', secret],
        ['Referer', `https://emma:${secret}@a.test/?session=${secret}#x`],
      ],
      environ: {
        'app.session': secret,
        'app.object': { secret },
        DATABASE_PASSWORD: secret,
        AWS_SECRET_ACCESS: secret,
      },
    });
    expect(answer.text).toContain('<td>HTTP_COOKIE</td><td>(hidden)</td>');
    expect(answer.text).toContain('page=2');
    expect(answer.text).not.toContain(secret);
  });

  it('shows nothing in production', async () => {
    for (const layer of [errorPage(), errorPage({ show: false })]) {
      const application = FAILING['a function'] as Application;
      const plain = await askInProcess(application, { headers: HTML });
      const answer = await askInProcess(layer(application), { headers: HTML });
      expect([answer.status, answer.text, [...answer.headers]]).toEqual([
        plain.status,
        plain.text,
        [...plain.headers],
      ]);
      expect(answer.text).not.toContain('broken');
      expect(layer(APPLICATIONS['a function'] as Application)).toBe(APPLICATIONS['a function']);
    }
  });

  it('shows errors if NODE_ENV is development', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    try {
      const answer = await askInProcess(errorPage()(FAILING['a function'] as Application), { headers: HTML });
      expect(answer.text).toContain('broken');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each(['8.8.8.8', '127.0.0.1.evil.test', undefined, '10.0.0.1'])(
    'shows nothing to %s',
    async (address) => {
      const ask = (remote: boolean) =>
        askInProcess(errorPage({ show: true, remote })(FAILING['a function'] as Application), {
          headers: HTML,
          environ: { REMOTE_ADDR: address },
        });
      expect((await ask(false)).text).toBe('Internal Server Error\n');
      expect((await ask(true)).text).toContain('broken');
    },
  );

  it('throws the very error if the head has gone', async () => {
    const error = fault();
    const { done, sink } = record(
      errorPage({ show: true })(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield 'a';
        throw error;
      }),
      { remoteAddress: '127.0.0.1' },
    );
    await done;
    expect(sink.events.at(-1)).toEqual(['abort', error]);
  });

  it.each([
    ['a string', 'text'],
    ['nothing', undefined],
    ['null', null],
    ['an object without a prototype', Object.create(null)],
    [
      'an error that cannot be read',
      new Proxy(new Error('x'), {
        get: () => {
          throw new Error('no');
        },
      }),
    ],
  ])('shows %s', async (_what, thrown) => {
    const answer = await askInProcess(
      errorPage({ show: true })(() => {
        throw thrown;
      }),
      { headers: HTML },
    );
    expect(answer.status).toBe('500 Internal Server Error');
    expect(answer.text).toMatch(/Thrown value|Error/);
  });

  it('shows a cause that is its own cause once', async () => {
    const error = new Error('round');
    error.cause = error;
    const answer = await askInProcess(
      errorPage({ show: true })(() => {
        throw error;
      }),
    );
    expect(answer.text.match(/round/g)).toHaveLength(1);
  });

  it('lets faults of the client and departures pass', async () => {
    const layer = errorPage({ show: true });
    const tooLarge = new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 1);
    const refused = await askInProcess(
      layer(() => {
        throw tooLarge;
      }),
    );
    expect(refused.status).toBe('413 Content Too Large');
    const { sink, done } = record(layer(() => new Promise<never>(() => {})));
    sink.disconnect(disconnection('response'));
    await done;
    expect(sink.head).toBeUndefined();
  });

  it('closes what has failed', async () => {
    const close = vi.fn();
    const failing: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      const next = () => {
        throw fault();
      };
      return { [Symbol.iterator]: () => ({ next }), close } as never;
    };
    await askInProcess(errorPage({ show: true })(failing));
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('leaves the page of a wrapped app alone', async () => {
    const app = fromExpress(
      express()
        .use(() => {
          throw new Error('in Express');
        })
        .set('env', 'test'),
    );
    const answer = await askInProcess(errorPage({ show: true })(app), { headers: HTML });
    expect(answer.status).toBe('500 Internal Server Error');
    expect(answer.text).not.toContain('<h2>Environ</h2>');
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(errorPage({ show: true })(application));
    expect([answer.text, answer.log]).toEqual(['Hello world', '']);
  });
});
