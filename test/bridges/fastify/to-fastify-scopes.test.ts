/** Features of Fastify around a mount work as around a route: scopes, decorators, order of hooks, log, time-outs. */
import fastifyExpress from '@fastify/express';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { toFastify } from '../../../bridges/fastify/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { answering, createLog, pieces, place, report, reported, until } from '../site.ts';
import { mounting, serve } from './fastify-site.ts';

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'onSend', 'onResponse'] as const;

/** Notes every hook that runs. */
function noteHooks(app: FastifyInstance, notes: string[]): void {
  for (const name of HOOKS) {
    // The types of these hooks differ in the parameters between reply and callback.
    app.addHook(name as 'onRequest', (...args: unknown[]) => {
      notes.push(name);
      const done = args.at(-1) as (error?: unknown) => void;
      done();
    });
  }
  app.addHook('preSerialization', (_request, _reply, payload, done) => {
    notes.push('preSerialization');
    done(null, payload);
  });
  app.addHook('onError', (_request, _reply, _error, done) => {
    notes.push('onError');
    done();
  });
}

async function hooksOf(inside: (app: FastifyInstance) => unknown, target: string): Promise<string[]> {
  const notes: string[] = [];
  const app = fastify();
  noteHooks(app, notes);
  inside(app);
  await (await serve(app)).fetch({
    method: 'POST',
    target,
    content: 'x',
    headers: [['Content-Type', 'text/plain']],
  });
  await until(() => notes.includes('onResponse'));
  return notes;
}

describe('hooks', () => {
  it('run in the same order as for a route', async () => {
    const expected = await hooksOf(
      (app) => app.post('/x', (_request, reply) => reply.send(Buffer.from('x'))),
      '/x',
    );
    for (const application of [answering('x'), pieces(['x']), report]) {
      expect(await hooksOf((app) => app.register(toFastify(application), { prefix: '/x' }), '/x')).toEqual(
        expected,
      );
    }
  });

  it('run in the same order as for a route that fails', async () => {
    const expected = await hooksOf(
      (app) =>
        app.post('/x', async () => {
          throw new Error('x');
        }),
      '/x',
    );
    const failing: Application[] = [
      () => {
        throw new Error('x');
      },
      () => Promise.reject(new Error('x')),
      // biome-ignore lint/correctness/useYield: it fails before it can
      function* (_environ, startResponse) {
        startResponse('200 OK', []);
        throw new Error('x');
      },
    ];
    for (const application of failing) {
      const notes = await hooksOf((app) => app.register(toFastify(application), { prefix: '/x' }), '/x');
      // The error page is serialized by the default error handler.
      expect(notes).toEqual(expected);
    }
  });

  it('of a scope run for its own mounts only', async () => {
    const notes: string[] = [];
    const app = fastify();
    app.register(async (scope) => {
      scope.addHook('onRequest', async (request) => {
        notes.push(request.url);
      });
      scope.decorateRequest('inner', 'yes');
      scope.register(toFastify(report), { prefix: '/in' });
    });
    app.register(toFastify(report), { prefix: '/out' });
    const site = await serve(app);
    await site.fetch('/in/a');
    await site.fetch('/out/a');
    expect(notes).toEqual(['/in/a']);
    expect(app.hasRequestDecorator('inner')).toBe(false);
  });
});

describe('a scope', () => {
  it('has an error handler of its own, which gets the thrown value', async () => {
    const value = { code: 'E_OWN', statusCode: 418 };
    const errors: unknown[] = [];
    const app = fastify();
    app.register(async (scope) => {
      scope.setErrorHandler((error, _request, reply) => {
        errors.push(error);
        return reply.code(418).send('inner');
      });
      scope.register(
        toFastify(() => Promise.reject(value)),
        { prefix: '/in' },
      );
    });
    app.setErrorHandler(() => {
      throw new Error('not mine');
    });
    const response = await (await serve(app)).fetch('/in');
    expect([response.statusCode, response.content.toString()]).toEqual([418, 'inner']);
    expect(errors).toEqual([value]);
    expect(errors[0]).toBe(value);
  });

  it('is not changed by a mount in it', async () => {
    const app = fastify();
    app.addContentTypeParser('text/own', { parseAs: 'string' }, (_request, body, done) =>
      done(null, `own ${body}`),
    );
    app.register(async (scope) => {
      await scope.register(toFastify(report), { prefix: '/in' });
      scope.post('/beside', async (request) => ({ body: request.body }));
    });
    const site = await serve(app);
    const post = (target: string) =>
      site.fetch({ method: 'POST', target, content: 'x', headers: [['Content-Type', 'text/own']] });
    expect(reported(await post('/in'))).toMatchObject({ content: 'x' });
    expect(JSON.parse((await post('/beside')).content.toString())).toEqual({ body: 'own x' });
  });

  it('can have routes below the prefix of a mount', async () => {
    const app = mounting(report);
    app.get('/x/own', async () => 'the route');
    const site = await serve(app);
    expect((await site.fetch('/x/own')).content.toString()).toBe('the route');
    expect(await place(site, '/x/other')).toBe('/x + /other');
  });

  it('answers 404 through the application, and elsewhere by itself', async () => {
    const app = mounting(answering('none of mine', [], '404 Not Found'));
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('none of ours'));
    const site = await serve(app);
    expect((await site.fetch('/x/y')).content.toString()).toBe('none of mine');
    expect((await site.fetch('/y')).content.toString()).toBe('none of ours');
  });
});

describe('the log', () => {
  it.each([
    ['an array', answering('x'), 200],
    ['pieces', pieces(['one', 'two']), 200],
    ['404', answering('x', [], '404 Not Found'), 404],
    ['an error', () => Promise.reject(new Error('x')), 500],
    ['a status that Fastify has no name for', answering('', [], '799 Odd'), 799],
  ] as const)('has status and time of %s', async (_name, application, statusCode) => {
    for (const hijack of [false, true]) {
      const lines: string[] = [];
      const stream = { write: (line: string) => lines.push(line) };
      const app = mounting(
        application as Application,
        { hijack, environ: createLog().environ },
        { logger: { stream } },
      );
      const elapsed: number[] = [];
      app.addHook('onResponse', async (_request, reply) => {
        elapsed.push(reply.elapsedTime);
      });
      await (await serve(app)).fetch('/x');
      await until(() => elapsed.length > 0);
      const completed = lines
        .map((line) => JSON.parse(line))
        .filter(({ res }) => res !== undefined && res !== null);
      expect(completed.at(-1)).toMatchObject({ res: { statusCode } });
      expect(completed.at(-1).responseTime).toBeGreaterThan(0);
      expect(elapsed).toHaveLength(1);
      expect(elapsed[0]).toBeGreaterThan(0);
    }
  });
});

describe('@fastify/express', () => {
  it('mounts a handler made by toExpress', async () => {
    const app = fastify();
    await app.register(fastifyExpress);
    // The types of @fastify/middie declare the same method.
    const use = app.use as (path: string, handler: unknown) => unknown;
    use.call(app, '/e', toExpress(report));
    const router = express.Router().use('/g', toExpress(report));
    use.call(app, '/f', router);
    app.register(toFastify(report), { prefix: '/x' });
    const site = await serve(app);
    expect(await place(site, '/e/y')).toBe('/e + /y');
    expect(await place(site, '/f/g/y')).toBe('/f/g + /y');
    expect(await place(site, '/x/y')).toBe('/x + /y');
  });
});
