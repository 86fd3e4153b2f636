/** cookie-parser: plain, signed and JSON cookies. */
import cookieParser from 'cookie-parser';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

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

describe('cookie-parser', () => {
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
