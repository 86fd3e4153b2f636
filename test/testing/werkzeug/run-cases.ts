/** The cases of run_wsgi_app. */
import { expect } from 'vitest';
import { toApplication } from '../../../src/index.ts';
import { buildEnviron, runApp } from '../../../src/testing/index.ts';
import type { Application, ApplicationFunction, Body, Environ, HeaderList } from '../../../src/wsgi.ts';
import type { PortedCase } from '../../support/ported.ts';
import { TEXT } from './kit.ts';

const HTML: HeaderList = [['Content-Type', 'text/html']];
const CHUNKS = ['Hello ', 'World', '!'];

/** Counts what is open until it is closed. */
let open = 0;

const RUN = {
  simple_app: (_environ, startResponse) => {
    startResponse('200 OK', HTML);
    return [CHUNKS.join('')];
  },
  *yielding_app(_environ, startResponse) {
    startResponse('200 OK', HTML);
    yield 'Hello ';
    yield 'World!';
  },
  depends_on_close: (_environ, startResponse) => {
    open += 1;
    startResponse('200 OK', HTML);
    return {
      *[Symbol.iterator]() {
        yield* CHUNKS;
      },
      close: () => {
        open -= 1;
      },
    };
  },
  lazy_start_response: class {
    readonly #start: () => unknown;
    constructor(_environ: Environ, startResponse: Parameters<ApplicationFunction>[1]) {
      this.#start = () => startResponse('200 OK', HTML);
    }
    [Symbol.iterator]() {
      return this;
    }
    next(): IteratorResult<string> {
      this.#start();
      return { done: true, value: undefined };
    }
  },
  *late_start_response(_environ, startResponse) {
    yield 'Hello ';
    yield 'World';
    startResponse('200 OK', HTML);
    yield '!';
  },
} satisfies Record<string, Application>;

/** Hides everything but iteration and close. */
const asIterable =
  (application: ApplicationFunction): ApplicationFunction =>
  (environ, startResponse) => {
    // The applications above are synchronous.
    const body = application(environ, startResponse) as Body & Iterable<string>;
    return { [Symbol.iterator]: () => body[Symbol.iterator](), close: () => body.close?.() };
  };

const runs = (name: keyof typeof RUN, differs?: string): PortedCase[] =>
  [true, false].flatMap((buffered) =>
    [true, false].map((iterable): PortedCase => {
      const found: Application = RUN[name];
      const application = iterable ? asIterable(toApplication(found)) : found;
      const ask = async () => {
        const { status, headers, body } = await runApp(application, buildEnviron('/'), { buffered });
        return { status, type: headers.get('Content-Type'), text: await body.text(), open };
      };
      const text = name === 'lazy_start_response' ? '' : 'Hello World!';
      return {
        name: `test_run_wsgi_apps: ${name}, buffered ${buffered}, iterable ${iterable}`,
        ...(differs === undefined ? {} : { differs }),
        run: () =>
          differs === undefined
            ? expect(ask()).resolves.toEqual({ status: '200 OK', type: 'text/html', text, open: 0 })
            : expect(ask()).rejects.toMatchObject({ rule: 'body-102-start-response-first' }),
      };
    }),
  );

export const RUN_CASES: readonly PortedCase[] = [
  ...(['simple_app', 'yielding_app', 'depends_on_close', 'lazy_start_response'] as const).flatMap((name) =>
    runs(name),
  ),
  ...runs('late_start_response', 'a chunk before startResponse is refused, as on every host (PEP 3333)'),
  {
    name: 'test_run_wsgi_app_closing_iterator',
    async run() {
      let closed = 0;
      const bar: Application = (_environ, startResponse) => {
        startResponse('200 OK', TEXT);
        let isOver = false;
        const body = {
          [Symbol.iterator](): Iterator<string> {
            return body;
          },
          next(): IteratorResult<string> {
            const done = isOver;
            isOver = true;
            return done ? { done, value: undefined } : { done, value: 'bar' };
          },
          close: () => {
            closed += 1;
          },
        };
        return body;
      };
      const { status, headers, body } = await runApp(bar, buildEnviron('/'), { buffered: false });
      expect([status, headers.get('Content-Type')]).toEqual(['200 OK', 'text/plain']);
      const chunks = body[Symbol.asyncIterator]();
      expect(String(Buffer.from((await chunks.next()).value ?? ''))).toBe('bar');
      expect((await chunks.next()).done).toBe(true);
      await body.close();
      expect(closed).toBe(1);
      expect(await (await runApp(bar, buildEnviron('/'), { buffered: true })).body.text()).toBe('bar');
      expect(closed).toBe(2);
    },
  },
];
