/** Cookies: cookie-parser (plain, signed, JSON), and cookie-session, which stores sessions in cookies. */
import cookieParser from 'cookie-parser';
import cookieSession from 'cookie-session';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

describe('cookie-parser', () => {
  const program = expressProgram((app) => {
    app.use(cookieParser('secret'));
    app.get('/set', (_req, res) => {
      res.cookie('plain', 'a b').cookie('signed', 'value', { signed: true }).cookie('object', { a: 1 });
      res.cookie('all', 'x', { path: '/p', domain: 'site.test', secure: true, sameSite: 'strict' });
      res.clearCookie('gone').json({});
    });
    app.get('/get', (req, res) => {
      res.json([req.cookies, req.signedCookies]);
    });
  });

  it('signs and reads cookies', async () => {
    const { text, responses } = await expectAlike(program, async ({ fetch }) => {
      const { headers } = await fetch('/set');
      const lines = headers.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value.split(';')[0]);
      await fetch({ target: '/get', headers: [['Cookie', lines.join('; ')]] });
      await fetch({
        target: '/get',
        headers: [
          ['Cookie', 'signed=s%3Avalue.forged; a=%E0%A4%A; b="q"'],
          ['Cookie', 'c=3'],
        ],
      });
    });
    expect(text).toContain('{"plain":"a b","object":{"a":1},"all":"x","gone":""},{"signed":"value"}]');
    expect(text).toContain('{"signed":false}');
    expect(responses).toHaveLength(3);
  });
});

describe('cookie-session', () => {
  const program = expressProgram((app) => {
    app.use(cookieSession({ name: 's', keys: ['k1', 'k2'], maxAge: 60_000 }));
    // The types of cookie-session and express-session disagree about `req.session`.
    const holder = (req: object): { session: Record<string, unknown> | null } => req as never;
    app.get('/count', (req, res) => {
      const count = Number(holder(req).session?.count ?? 0) + 1;
      holder(req).session = { count };
      res.send(`count ${count}`);
    });
    app.get('/clear', (req, res) => {
      holder(req).session = null;
      res.end();
    });
    app.get('/look', (req, res) => void res.json([holder(req).session, holder(req).session?.isNew]));
  });

  it('keeps the session in signed cookies', async () => {
    const visit = expectAlike(
      program,
      async ({ fetch }) => {
        await fetch('/look');
        const lines = (await fetch('/count')).headers.filter(([name]) => name.toLowerCase() === 'set-cookie');
        const headers: [string, string][] = [
          ['Cookie', lines.map(([, line]) => line.split(';')[0]).join('; ')],
        ];
        await fetch({ target: '/count', headers });
        await fetch({ target: '/look', headers });
        await fetch({ target: '/look', headers: [['Cookie', 's=eyJjb3VudCI6MX0=; s.sig=forged']] });
        await fetch({ target: '/clear', headers });
      },
      { masks: [/(expires=)[^;]+/g] },
    );
    const { text } = await visit;
    expect(text).toContain('count 2');
    expect(text).toContain('s.sig=');
  });
});
