/** morgan: the line of every format, with status, length and time. */
import { setTimeout as delay } from 'node:timers/promises';
import morgan from 'morgan';
import { describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const FORMATS = ['combined', 'common', 'default', 'dev', 'short', 'tiny'] as const;
const CUSTOM =
  ':method :url HTTP/:http-version :status :res[content-length] :res[x-a] :req[x-b] :remote-addr ' +
  ':remote-user :referrer :user-agent took :response-time[0] :total-time[0]';
const MASKS = [
  // Masks the date and the times.
  /\d+\.\d{3}(?= )/g,
  /took \d+ \d+/,
  /\[[^\]]+ \+0000\]/,
  /"\w{3}, [^"]+GMT"/,
];

function program(format: string, options: { immediate?: boolean } = {}): ReturnType<typeof expressProgram> {
  return expressProgram((app, trail) => {
    const stream = { write: (line: string) => void trail.push(line.trimEnd()) };
    app.use(morgan(format, { stream, ...options }));
    app.get('/sent', (_req, res) => void res.set('X-A', 'a').send('hello'));
    app.get('/written', async (_req, res) => {
      res.write('hel');
      await delay(2);
      res.end('lo');
    });
    app.get('/empty', (_req, res) => void res.status(204).end());
    app.get('/moved', (_req, res) => res.redirect('/sent'));
    app.get('/broken', () => {
      throw Object.assign(new Error('broken'), { status: 503 });
    });
    app.get('/never', (_req, res) => void res.on('close', () => {}));
  });
}

const TARGETS = ['/sent', '/written', '/empty', '/moved', '/nowhere?q=1'];

describe('morgan', () => {
  it.each([...FORMATS, CUSTOM])('logs %s', async (format) => {
    const { trail } = await expectAlike(
      program(format),
      async (visitor) => {
        for (const [index, target] of TARGETS.entries()) {
          await visitor.fetch({
            target,
            headers: [
              ['X-B', 'b'],
              ['Authorization', 'Basic dXNlcjpw'],
              ['Referer', 'http://r/'],
              ['User-Agent', 'u'],
            ],
          });
          await until(() => visitor.trail.length > index);
        }
        await visitor.fetch({ method: 'HEAD', target: '/sent' });
        await until(() => visitor.trail.length > TARGETS.length);
      },
      { masks: MASKS },
    );
    expect(trail).toHaveLength(TARGETS.length + 1);
    // The dev format adds colours.
    expect(trail[0]).toMatch(/\/sent.*200.* 5\b/);
    // Three formats and the custom one contain times.
    if (format !== 'common' && format !== 'combined' && format !== 'default') expect(trail[0]).toContain('…');
  });

  it('logs a client that left without a status', async () => {
    const { trail } = await expectAlike(program(':url :status :response-time'), async (visitor) => {
      const client = visitor.open();
      client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
      await delay(20);
      client.reset();
      await visitor.seen('/never');
    });
    expect(trail).toEqual(['/never - -']);
  });

  it('logs at once if told to', async () => {
    const { trail } = await expectAlike(program('tiny', { immediate: true }), ({ fetch }) => fetch('/sent'));
    expect(trail).toEqual(['GET /sent - - - - ms']);
  });
});
