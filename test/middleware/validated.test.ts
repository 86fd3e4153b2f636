/** Every middleware keeps the contract on both sides: `validate(middleware(validate(application)))`, for every form on every host. */
import { describe, expect, it } from 'vitest';
import {
  allowedHosts,
  compress,
  conditional,
  cors,
  dispatch,
  errorPage,
  type Middleware,
  staticFiles,
  timeout,
  trustedProxy,
} from '../../src/middleware/index.ts';
import { type ValidationError, validate } from '../../src/validate/index.ts';
import type { Application, ApplicationFunction } from '../../src/wsgi.ts';
import { EVERYWHERE, HOSTS } from './kit.ts';
import { LAYERS, notFound } from './layers.ts';

const CASES = Object.entries(LAYERS).flatMap(([name, layer]) =>
  EVERYWHERE.map(
    ([form, host, application, ask]) => [name, form, host, { layer, application, ask }] as const,
  ),
);

/** Puts a validator on either side, and keeps what each of them finds. */
function between(layer: Middleware, application: Application) {
  const errors: string[] = [];
  const outer = new Set<string>();
  const inner = new Set<string>();
  const options = (warnings: Set<string>) => ({
    reuseMemory: true,
    onError: (error: ValidationError) => errors.push(`${error}`),
    onWarning: (warning: ValidationError) => warnings.add(`${warning.rule}`),
  });
  return {
    site: validate(layer(validate(application, options(inner))), options(outer)),
    errors,
    /** Warnings that the middleware has caused. */
    warnings: () => [...outer].filter((rule) => !inner.has(rule)),
  };
}

describe.each(['GET', 'HEAD', 'POST'])('%s', (method) => {
  it.each(CASES)('%s around %s, %s', async (_name, _form, _host, { layer, application, ask }) => {
    const { site, errors, warnings } = between(layer, application);
    const content = method === 'POST' ? { content: 'content' } : {};
    const answer = await ask(site, { method, headers: [['Content-Type', 'text/plain']], ...content });
    expect(errors).toEqual([]);
    expect(warnings()).toEqual([]);
    expect([answer.status, answer.text]).toEqual(['200 OK', method === 'HEAD' ? '' : 'Hello world']);
  });
});

it.each(EVERYWHERE)('compress around %s, %s', async (_form, _host, application, ask) => {
  const { site, errors, warnings } = between(compress({ threshold: 0 }), application);
  const answer = await ask(site, { headers: [['Accept-Encoding', 'gzip']] });
  expect(errors).toEqual([]);
  expect(warnings()).toEqual([]);
  expect([answer.status, answer.headers.get('Content-Encoding')]).toEqual(['200 OK', 'gzip']);
});

type Answered = [
  host: string,
  status: string,
  name: string,
  ask: (typeof HOSTS)[keyof typeof HOSTS],
  layer: Middleware,
  application: Application,
];

describe.each(['GET', 'HEAD'])('%s: what middleware answers itself', (method) => {
  const failing: Application = () => {
    throw new Error('no');
  };
  it.each(
    Object.entries(HOSTS).flatMap(([host, ask]) =>
      [
        ['400 Bad Request', 'allowedHosts', allowedHosts(['a.test']), notFound],
        ['400 Bad Request', 'trustedProxy', trustedProxy(), notFound],
        ['404 Not Found', 'dispatch', () => dispatch({}), notFound],
        ['404 Not Found', 'staticFiles', staticFiles('nowhere', { fallthrough: false }), notFound],
        ['500 Internal Server Error', 'errorPage', errorPage({ show: true }), failing],
        ['503 Service Unavailable', 'timeout', timeout({ response: 10 }), () => new Promise(() => {})],
        ['304 Not Modified', 'conditional', conditional(), tagged],
        ['204 No Content', 'cors', cors(), notFound],
      ].map(([status, name, ...parts]) => [host, status, name, ask, ...parts] as Answered),
    ),
  )('%s: %s by %s', async (_host, status, name, ask, layer, application) => {
    const { site, errors, warnings } = between(layer, application);
    const answer = await ask(site, {
      method: name === 'cors' ? 'OPTIONS' : method,
      headers: [
        ['X-Forwarded-For', 'x'],
        ['If-None-Match', '"a"'],
        ['Origin', 'https://a.test'],
        ['Access-Control-Request-Method', 'PUT'],
      ],
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Content-Length')).not.toBe('0');
    expect(errors).toEqual([]);
    expect(warnings()).toEqual([]);
  });
});

async function* tagged(...[, startResponse]: Parameters<ApplicationFunction>) {
  startResponse('200 OK', [
    ['ETag', '"a"'],
    ['Content-Type', 'text/plain'],
  ]);
  yield Buffer.from('content');
}
