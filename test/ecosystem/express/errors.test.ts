/** Errors of an Express app: thrown, rejected, passed on, before the head and after it. */
import type { ErrorRequestHandler, Express } from 'express';
import { describe, expect, it } from 'vitest';
import { expectAlike, type Visitor } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

function addRoutes(app: Express): void {
  app.get('/throw', () => {
    throw new Error('thrown');
  });
  app.get('/throw/value', () => {
    throw 'a string';
  });
  app.get('/throw/null', () => {
    throw null;
  });
  app.get('/reject', async () => {
    await new Promise(setImmediate);
    throw Object.assign(new Error('rejected'), { status: 409, headers: { 'X-Error': 'e' } });
  });
  app.get('/reject/nothing', () => Promise.reject());
  app.get('/next', (_req, _res, next) => next(Object.assign(new Error('passed'), { statusCode: 418 })));
  app.get('/next/route', (_req, _res, next) => next('route'));
  app.get('/next/router', (_req, _res, next) => next('router'));
  app.get('/prepared', (_req, res) => {
    res.status(201).set({ 'X-Set': 'before', 'Content-Type': 'text/x', ETag: '"e"' }).cookie('a', 'b');
    throw new Error('after the headers were set');
  });
  app.get('/written', (_req, res, next) => {
    res.type('text').write('half of it');
    setTimeout(() => next(new Error('in the middle')), 15);
  });
  app.get('/written/length', (_req, res, next) => {
    res.set('Content-Length', '100').write('half of it');
    setTimeout(() => next(new Error('in the middle')), 15);
  });
  app.get('/written/throw', (_req, res) => {
    res.write('half of it');
    throw new Error('at once');
  });
  app.get('/ended', (_req, res, next) => {
    res.end('all of it');
    next(new Error('too late'));
  });
  app.get('/twice', (_req, res) => {
    res.send('once');
    res.send('twice');
  });
  app.get('/header', (_req, res) => void res.set('X-Bad', 'a\r\nb').send('x'));
  app.get('/status', (_req, res) => void res.status(99).send('x'));
  app.get('/circle', (_req, res) => {
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    res.json(circle);
  });
  app.get('/destroyed', (_req, res) => void res.destroy(new Error('destroyed')));
  app.get('/destroyed/written', (_req, res) => {
    res.write('half of it');
    setTimeout(() => res.destroy(), 15);
  });
}

const PATHS =
  '/throw /throw/value /throw/null /reject /reject/nothing /next /next/route /next/router /prepared /ended /twice ' +
  '/header /status /circle /nowhere';
const CUT = ['/written', '/written/length', '/written/throw', '/destroyed', '/destroyed/written'];

const program = expressProgram(addRoutes);
const handledProgram = expressProgram((app, trail) => {
  addRoutes(app);
  const onError: ErrorRequestHandler = (error, req, res, next) => {
    trail.push(`${req.path} ${error?.message ?? error} ${res.headersSent}`);
    if (res.headersSent) next(error);
    else res.status(error?.status ?? 500).json({ handled: `${error?.message}` });
  };
  app.use(onError);
});

async function follow(visitor: Visitor, target: string): Promise<void> {
  const client = visitor.open();
  client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
  visitor.note(`${target}: ${await client.farewell((rest) => visitor.note(rest.toString('latin1')))}`);
}

describe('errors', () => {
  it.each([
    ['Express', program],
    ['a handler', handledProgram],
  ])('answered by %s are alike', async (_name, make) => {
    const { responses, trail, text } = await expectAlike(make, async (visitor) => {
      for (const target of PATHS.split(' ')) await visitor.fetch(target);
      for (const target of ['/throw', '/nowhere', '/prepared'])
        await visitor.fetch({ method: 'HEAD', target });
    });
    expect(responses.filter(({ statusCode }) => statusCode === 500).length).toBeGreaterThan(4);
    if (make === program) expect(text).toContain('<pre>Internal Server Error</pre>');
    else expect(trail).toContain('/reject rejected false');
  });

  it.each([
    ['without', program],
    ['with', handledProgram],
  ])('after the head, %s a handler, cut the connection', async (_name, make) => {
    const { text } = await expectAlike(make, async (visitor) => {
      for (const target of CUT) await follow(visitor, target);
    });
    expect(text).toContain('half of it');
    expect(text.match(/: (end|reset)/g)).toHaveLength(CUT.length);
  });
});
