/** express-session: cookie, saving before the response ends, rolling, regeneration, destruction. */
import session, { MemoryStore, type SessionData, type SessionOptions, type Store } from 'express-session';
import { describe, expect, it } from 'vitest';
import type { WireResponse } from '../../../src/conformance/wire-client.ts';
import { expectAlike, type MakeProgram } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

declare module 'express-session' {
  interface SessionData {
    count: number;
    user: string;
  }
}

const MASKS = [/(connect\.sid=s%3A)[^;\s]+/g, /(Expires=)[^;\r]+/g];

/** A slow store: the response has to wait for it. */
class SlowStore extends MemoryStore {
  readonly #trail: string[];

  constructor(trail: string[]) {
    super();
    this.#trail = trail;
  }

  override set(id: string, data: SessionData, callback?: (error?: unknown) => void): void {
    setTimeout(() => {
      this.#trail.push(`saved ${JSON.stringify({ ...data, cookie: undefined })}`);
      super.set(id, data, callback);
    }, 15);
  }
}

function program(
  options: Partial<SessionOptions> = {},
  createStore?: (trail: string[]) => Store,
): MakeProgram {
  return expressProgram((app, trail) => {
    const store = createStore?.(trail);
    app.use(
      session({
        secret: 'secret',
        resave: false,
        saveUninitialized: false,
        ...(store && { store }),
        ...options,
      }),
    );
    app.get('/count', (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      res.send(`count ${req.session.count}`);
    });
    app.get('/written', (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      res.write('a');
      res.write('b');
      res.end('c', () => trail.push('sent'));
    });
    app.get('/look', (req, res) => void res.json([req.session.count ?? null, req.session.user ?? null]));
    app.get('/login', (req, res, next) => {
      const before = req.sessionID;
      req.session.regenerate((error) => {
        req.session.user = 'u';
        if (error) next(error);
        else res.json([before === req.sessionID]);
      });
    });
    app.get('/logout', (req, res, next) => {
      req.session.destroy((error) => (error ? next(error) : res.redirect('/look')));
    });
    app.get('/saved', (req, res) => {
      req.session.user = 'saved';
      req.session.save(() => res.end('saved'));
    });
  });
}

function cookieOf(response: WireResponse): [string, string][] {
  const line = response.headers.find(([name]) => name === 'Set-Cookie')?.[1] ?? '';
  return line === '' ? [] : [['Cookie', line.slice(0, line.indexOf(';'))]];
}

describe('express-session', () => {
  it('remembers a client, and sets its cookie once', async () => {
    const visit = expectAlike(
      program(),
      async ({ fetch }) => {
        await fetch('/look');
        const headers = cookieOf(await fetch('/count'));
        await fetch({ target: '/count', headers });
        await fetch({ target: '/look', headers });
        await fetch({ target: '/look', headers: [['Cookie', 'connect.sid=s%3Aforged.signature']] });
        const fresh = cookieOf(await fetch({ target: '/login', headers }));
        await fetch({ target: '/look', headers });
        await fetch({ target: '/look', headers: fresh });
        await fetch({ target: '/logout', headers: fresh });
        await fetch({ target: '/look', headers: fresh });
        await fetch({ target: '/saved' });
      },
      { masks: MASKS },
    );
    const { text, responses } = await visit;
    expect(text.match(/Set-Cookie: connect\.sid=s%3A…; Path=\/; HttpOnly/g)).toHaveLength(3);
    expect(responses.map(({ content }) => content.toString()).slice(0, 4)).toEqual([
      '[null,null]',
      'count 1',
      'count 2',
      '[2,null]',
    ]);
    expect(responses[7]?.content.toString()).toBe('[null,"u"]');
    expect(responses[9]?.content.toString()).toBe('[null,null]');
  });

  it.each(['/count', '/written'])('ends %s once the session is saved', async (target) => {
    const { trail, text } = await expectAlike(
      program({}, (notes) => new SlowStore(notes)),
      async (visitor) => {
        const headers = cookieOf(await visitor.fetch(target));
        visitor.note(`${visitor.trail.filter((line) => line.startsWith('saved')).length > 0}`);
        await visitor.fetch({ target: '/look', headers });
      },
      { masks: MASKS },
    );
    expect(trail).toContain('saved {"count":1}');
    expect(text).toContain('[1,null]');
  });

  it.each([
    { rolling: true, cookie: { maxAge: 60_000 } },
    { resave: true, saveUninitialized: true, cookie: { sameSite: 'lax', path: '/' } },
    { cookie: { secure: true } },
    { cookie: { secure: 'auto' }, proxy: true },
    { name: 'connect.sid', unset: 'destroy' },
  ] satisfies Partial<SessionOptions>[])('follows %j', async (options) => {
    await expectAlike(
      program(options),
      async ({ fetch }) => {
        const headers = cookieOf(await fetch('/count'));
        await fetch({ target: '/count', headers });
        await fetch({ method: 'HEAD', target: '/count', headers });
        await fetch({ target: '/look', headers: [...headers, ['X-Forwarded-Proto', 'https']] });
        await fetch({ target: '/written', headers: [['X-Forwarded-Proto', 'https']] });
      },
      { masks: MASKS },
    );
  });
});
