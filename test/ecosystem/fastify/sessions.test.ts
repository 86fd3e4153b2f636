/** Plugins that work through headers: @fastify/cookie, @fastify/session, @fastify/cors and @fastify/formbody. */
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import formbody from '@fastify/formbody';
import session from '@fastify/session';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, transcript } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, serveEverywhere } from './three-servers.ts';

const SECRET = 'a secret that is at least thirty-two octets long';
let places: readonly Place[];

declare module 'fastify' {
  interface Session {
    visits?: number;
    user?: unknown;
  }
}

beforeAll(async () => {
  places = await serveEverywhere(async (options) => {
    const app = fastify(options);
    await app.register(cookie, { secret: SECRET });
    await app.register(formbody, { bodyLimit: 200 });
    app.get('/set', (_req, reply) => {
      return reply
        .setCookie('plain', 'ä b;c', { path: '/', maxAge: 60, sameSite: 'lax' })
        .setCookie('signed', 'value', { signed: true, httpOnly: true, secure: 'auto' })
        .setCookie('twice', '1')
        .setCookie('twice', '2')
        .send('set');
    });
    app.get('/clear', (_req, reply) => reply.clearCookie('plain', { path: '/' }).send());
    app.get('/read', async (req) => ({
      cookies: req.cookies,
      unsigned: req.unsignCookie(req.cookies.signed ?? ''),
      header: req.headers.cookie ?? null,
    }));
    app.get('/thrown', (_req, reply) => {
      reply.setCookie('before', 'error');
      throw new Error('after a cookie');
    });
    app.get('/raw', (_req, reply) => {
      reply.setCookie('hijacked', 'yes');
      reply.hijack();
      reply.raw.setHeader('Set-Cookie', ['raw=1', 'raw=2']);
      reply.raw.end('raw');
    });
    app.post('/form', async (req) => req.body);
    await app.register(async (scope) => {
      await scope.register(session, {
        secret: SECRET,
        cookieName: 'sid',
        cookie: { secure: false, path: '/', maxAge: 60_000 },
        saveUninitialized: false,
        idGenerator: () => 'the-only-id-there-is-in-this-test',
      });
      scope.get('/visit', async (req) => {
        req.session.visits = (req.session.visits ?? 0) + 1;
        return { visits: req.session.visits };
      });
      scope.get('/look', async (req) => ({ visits: req.session.visits ?? null }));
      scope.post('/login', async (req) => {
        req.session.user = req.body;
        await req.session.save();
        return { user: req.session.user };
      });
      scope.get('/logout', async (req, reply) => {
        await req.session.destroy();
        return reply.code(204).send();
      });
    });
    await app.register(
      async (scope) => {
        await scope.register(cors, {
          origin: ['http://a.test', /\.b\.test$/],
          credentials: true,
          methods: ['GET', 'PUT'],
          allowedHeaders: ['X-One', 'X-Two'],
          exposedHeaders: 'X-Exposed',
          maxAge: 600,
        });
        scope.get('/', (_req, reply) => reply.header('Vary', 'Accept').send('shared'));
        scope.put('/', (_req, reply) => reply.send('put'));
        scope.get('/thrown', () => {
          throw new Error('shared error');
        });
      },
      { prefix: '/cors' },
    );
    await app.register(
      async (scope) => {
        await scope.register(cors, { origin: '*', preflightContinue: true, strictPreflight: false });
        scope.get('/', async () => 'open');
        scope.options('/', async () => 'continued');
      },
      { prefix: '/open' },
    );
    return app;
  });
});

afterAll(() => closeAll(places));

/** Masks the expiry of the session's cookie, which depends on the clock. */
function withoutExpiry(text: string): string {
  return text.replace(/Expires=[^;\r]*/g, 'Expires=…');
}

const FORM = 'Content-Type: application/x-www-form-urlencoded';
const PREFLIGHT = ['Origin: http://a.test', 'Access-Control-Request-Method: PUT'];
const CASES: readonly (readonly [string, string, string])[] = [
  ['cookies that are set', request('GET', '/set'), '200'],
  ['cookies over HTTP/1.0', 'GET /set HTTP/1.0\r\nCookie: a=1\r\n\r\n', '200'],
  ['a cookie that is cleared', request('GET', '/clear'), '200'],
  ['no cookie', request('GET', '/read'), '200'],
  ['cookies', request('GET', '/read', ['Cookie: a=1; b="two"; c=%C3%A4; c=3; plain']), '200'],
  ['cookies in two fields', request('GET', '/read', ['Cookie: a=1', 'cookie: b=2']), '200'],
  ['a forged signature', request('GET', '/read', ['Cookie: signed=value.forged']), '200'],
  ['a cookie and an error', request('GET', '/thrown'), '500'],
  ['cookies of a raw response', request('GET', '/raw'), '200'],
  ['a form', request('POST', '/form', [FORM], 'a=1&b=two+words&b=%C3%A4&c'), '200'],
  ['a form without content', request('POST', '/form', [FORM, 'Content-Length: 0']), '200'],
  ['a form that is too long', request('POST', '/form', [FORM], `a=${'1'.repeat(300)}`), '413'],
  ['a session that is not begun', request('GET', '/look'), '200'],
  ['a preflight', request('OPTIONS', '/cors/', PREFLIGHT), '204'],
  [
    'a preflight of another',
    request('OPTIONS', '/cors/', ['Origin: http://c.test', PREFLIGHT[1] ?? '']),
    '204',
  ],
  ['a preflight without method', request('OPTIONS', '/cors/', ['Origin: http://a.test']), '400'],
  ['a preflight without origin', request('OPTIONS', '/cors/'), '400'],
  ['a preflight to no route', request('OPTIONS', '/cors/none', PREFLIGHT), '204'],
  ['an origin', request('GET', '/cors/', ['Origin: http://x.b.test']), '200'],
  ['an origin that is refused', request('GET', '/cors/', ['Origin: http://c.test']), '200'],
  ['an origin and its error', request('GET', '/cors/thrown', ['Origin: http://a.test']), '500'],
  ['an origin to no route', request('GET', '/cors/none', ['Origin: http://a.test']), '404'],
  ['an origin with HEAD', request('HEAD', '/cors/', ['Origin: http://a.test']), '200'],
  ['another method', request('PUT', '/cors/', ['Origin: http://a.test'], 'x'), '415'],
  ['any origin', request('GET', '/open/', ['Origin: null']), '200'],
  ['a preflight passed on', request('OPTIONS', '/open/', PREFLIGHT), '200'],
];

describe('plugins that work through headers', () => {
  it.each(CASES)('answer alike: %s', async (_name, text, status) => {
    expect((await alike(places, [text])).slice(9, 12)).toBe(status);
  });

  it('read the cookies that they signed', async () => {
    const set = await alike(places, [request('GET', '/set')]);
    const [, signed = ''] = /^set-cookie: (signed=[^;]*)/im.exec(set) ?? [];
    const text = await alike(places, [request('GET', '/read', [`Cookie: ${signed}`])]);
    expect(text).toContain('"unsigned":{"valid":true,"renew":false,"value":"value"}');
  });

  it('keep a session over several requests', async () => {
    const first = await alike(places, [request('GET', '/visit')], withoutExpiry);
    const [, sid = ''] = /^set-cookie: (sid=[^;]*)/im.exec(first) ?? [];
    expect(sid).not.toBe('');
    const cookies = [`Cookie: ${sid}`];
    expect(await alike(places, [request('GET', '/visit', cookies)], withoutExpiry)).toMatch(/"visits":2}$/);
    expect(await alike(places, [request('HEAD', '/visit', cookies)], withoutExpiry)).toMatch(/\r\n\r\n$/);
    expect(await alike(places, [request('GET', '/look', cookies)], withoutExpiry)).toMatch(/"visits":3}$/);
    const login = request('POST', '/login', [...cookies, FORM], 'name=x');
    expect(await alike(places, [login], withoutExpiry)).toMatch(/"user":{"name":"x"}}$/);
    expect(await alike(places, [request('GET', '/logout', cookies)], withoutExpiry)).toMatch(
      /^HTTP\/1\.1 204 /,
    );
    expect(await alike(places, [request('GET', '/look', cookies)], withoutExpiry)).toMatch(/"visits":null}$/);
  });

  it('keep sessions of several connections apart', async () => {
    await Promise.all(places.map((place) => transcript(place, request('GET', '/visit'))));
    const strange = request('GET', '/look', ['Cookie: sid=forged.signature']);
    expect(await alike(places, [strange], withoutExpiry)).toMatch(/"visits":null}$/);
  });
});
