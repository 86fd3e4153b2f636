/** Small middleware: method-override, response-time, vhost, helmet, connect-timeout. */
import timeout from 'connect-timeout';
import express from 'express';
import helmet from 'helmet';
import methodOverride from 'method-override';
import responseTime from 'response-time';
import vhost from 'vhost';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

describe('method-override', () => {
  const program = expressProgram((app) => {
    app.use(express.urlencoded({ extended: false }));
    app.use(methodOverride(), methodOverride('_method'));
    app.use(methodOverride((req) => req.body?._method));
    app.all('/', (req, res) => void res.json([req.method, Reflect.get(req, 'originalMethod')]));
  });

  it('takes the method from a field, the query or the content', async () => {
    const { text } = await expectAlike(program, async ({ fetch }) => {
      await fetch({ method: 'POST', headers: [['X-HTTP-Method-Override', 'DELETE']] });
      await fetch({ method: 'POST', target: '/?_method=PATCH' });
      const headers: [string, string][] = [['Content-Type', 'application/x-www-form-urlencoded']];
      await fetch({ method: 'POST', headers, content: '_method=PUT' });
      await fetch({ method: 'GET', headers: [['X-HTTP-Method-Override', 'DELETE']] });
      await fetch({ method: 'POST', headers: [['X-HTTP-Method-Override', 'NONSENSE']] });
    });
    for (const method of ['DELETE', 'PATCH', 'PUT']) expect(text).toContain(`["${method}","POST"]`);
  });
});

describe('response-time', () => {
  const program = expressProgram((app, trail) => {
    app.use(responseTime((_req, _res, time) => void trail.push(typeof time)));
    app.use(responseTime({ header: 'X-Time', suffix: false, digits: 0 }), responseTime());
    app.get('/', (_req, res) => void res.send('x'));
    app.get('/written', (_req, res) => void res.writeHead(200, { A: 'b' }).end('x'));
    app.get('/head', (_req, res) => {
      res.flushHeaders();
      setTimeout(() => res.end('later'), 3);
    });
  });

  it('sends the time that a response took', async () => {
    const { text, trail } = await expectAlike(
      program,
      async ({ fetch }) => {
        for (const target of ['/', '/written', '/head', '/nowhere']) await fetch(target);
      },
      { masks: [/^(X-Response-Time: )\d+\.\d{3}ms$/gm, /^(X-Time: )\d+$/gm] },
    );
    expect(text.match(/X-Response-Time: …\r/g)).toHaveLength(4);
    expect(trail).toEqual(Array(4).fill('number'));
  });
});

describe('vhost', () => {
  const program = expressProgram((app) => {
    const site = express();
    site.get('/', (req, res) => {
      // Set by vhost(); only its own handlers are typed for it.
      const { vhost: match } = req as unknown as { vhost: Record<string, unknown> };
      res.json([match[0], match.host, match.hostname, match.length, req.app === site, req.hostname]);
    });
    app.use(vhost('*.example.test', site));
    app.use(vhost('plain.test', site), (_req, res) => void res.end('default'));
  });

  it('chooses by Host', async () => {
    const { text } = await expectAlike(program, async (visitor) => {
      for (const host of [
        'a.example.test',
        'A.Example.Test:81',
        'plain.test',
        'other.test',
        '[::1]:80',
        '',
      ]) {
        const client = visitor.open();
        client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        await visitor.read(client);
      }
    });
    expect(text).toContain('["a","a.example.test","a.example.test",1,true,"a.example.test"]');
    expect(text).toContain('default');
  });
});

describe('helmet', () => {
  it.each([
    {},
    {
      contentSecurityPolicy: { directives: { scriptSrc: ["'self'", () => "'nonce-1'"] } },
      xPoweredBy: false,
    },
    { contentSecurityPolicy: false, hsts: { maxAge: 5, preload: true }, frameguard: { action: 'deny' } },
  ] satisfies Parameters<typeof helmet>[0][])('sets its headers: %#', async (options) => {
    const program = expressProgram((app) => {
      app.use(helmet(options));
      app.get('/', (_req, res) => void res.send('<p>'));
    });
    const { text } = await expectAlike(program, async ({ fetch }) => {
      await fetch('/');
      await fetch('/nowhere');
      await fetch({ method: 'HEAD', target: '/' });
    });
    expect(text).toContain('X-Content-Type-Options: nosniff');
  });
});

describe('connect-timeout', () => {
  it('answers when a handler takes too long', async () => {
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

  it('tells a handler that wants to answer itself', async () => {
    const program = expressProgram((app) => {
      app.use(timeout(20, { respond: false }));
      app.get('/', (req, res) => void req.on('timeout', (ms) => res.status(408).send(`after ${ms} ms`)));
    });
    const { text } = await expectAlike(program, ({ fetch }) => fetch('/'));
    expect(text).toContain('after 20 ms');
  });
});
