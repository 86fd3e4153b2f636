/** connect-timeout: 503 for what takes too long, and nothing for what has begun. */
import timeout from 'connect-timeout';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

describe('connect-timeout', () => {
  it('answers for what takes too long', async () => {
    const program = expressProgram((app, trail) => {
      app.use(timeout('30ms'));
      app.get('/quick', (req, res) => {
        setTimeout(() => trail.push(`quick ${req.timedout}`), 60);
        res.send('quick');
      });
      app.get('/slow', (req) => {
        setTimeout(() => trail.push(`slow ${req.timedout}`), 60);
      });
      app.get('/begun', (req, res) => {
        res.write('begun, ');
        setTimeout(() => {
          trail.push(`begun ${req.timedout}`);
          res.end('ended');
        }, 60);
      });
    });
    const { text, trail } = await expectAlike(program, async (visitor) => {
      for (const name of ['quick', 'slow', 'begun']) {
        await visitor.fetch(`/${name}`);
        await visitor.seen(name);
      }
    });
    expect(text).toContain('HTTP/1.1 503 Service Unavailable');
    expect(trail).toEqual(['quick false', 'slow true', 'begun false']);
  });

  it('tells a handler that answers for itself', async () => {
    const program = expressProgram((app) => {
      app.use(timeout(20, { respond: false }));
      app.get('/', (req, res) => void req.on('timeout', (ms) => res.status(408).send(`after ${ms} ms`)));
    });
    const { text } = await expectAlike(program, ({ fetch }) => fetch('/'));
    expect(text).toContain('after 20 ms');
  });
});
