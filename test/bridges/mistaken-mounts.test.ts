/** Mistakes in mounting: adapters, modules and apps of frameworks as applications, and the other way round. */
import { createServer as createNodeServer } from 'node:http';
import connect from 'connect';
import express from 'express';
import fastify from 'fastify';
import { H3 } from 'h3';
import { Hono } from 'hono';
import Koa from 'koa';
import polka from 'polka';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCgi } from '../../bridges/cgi/index.ts';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import { toFetch } from '../../bridges/fetch/index.ts';
import { toLambda } from '../../bridges/lambda/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { createServer, serve } from '../../src/server/index.ts';
import { buildEnviron, createClient, runApp } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { appWith, serve as serveExpress } from './express/express-site.ts';
import { serve as serveFastify } from './fastify/fastify-site.ts';
import { answering, createLog, listen, type Site } from './site.ts';

const application = answering('hello');

/** Every place that takes an application. */
const HOSTS: Readonly<Record<string, (application: Application) => unknown>> = {
  createServer,
  serve,
  toNode,
  toExpress,
  toFastify,
  toFetch,
  toLambda: (wrong) => toLambda(wrong),
  runCgi,
  createClient,
  runApp: (wrong) => runApp(wrong, buildEnviron('/')),
};

const moduleWithDefault = { default: application };
const namespace = Object.defineProperty({ application }, Symbol.toStringTag, { value: 'Module' });

/** Values that are no application, with the cure. */
const MISTAKES: Readonly<Record<string, [value: unknown, cure: string]>> = {
  'a listener of toNode': [toNode(application), 'toNode(application): pass the application itself'],
  'a handler of toExpress': [toExpress(application), 'toExpress(application): pass the application itself'],
  'a plugin of toFastify': [toFastify(application), 'toFastify(application): pass the application itself'],
  'a handler of toFetch': [toFetch(application), 'toFetch(application): pass the application itself'],
  'a handler of toLambda': [toLambda(application), 'toLambda(application): pass the application itself'],
  'a listener of another copy': [
    Object.assign(() => [], { [Symbol.for('gatebridge.adapter')]: 'toNode' }),
    'pass the application itself',
  ],
  'a module': [moduleWithDefault, 'a module: pass its default export'],
  'a module of CommonJS': [
    { __esModule: true, default: application, other: 1 },
    'a module: pass its default export',
  ],
  'a module without a default': [namespace, 'a module: pass one of its exports'],
  'an app of Express': [express(), 'pass fromExpress(app)'],
  'a router of Express': [express.Router(), 'pass fromExpress(app)'],
  'an app of Connect': [connect(), 'fromNode(listener) for Connect'],
  'an instance of Fastify': [fastify(), 'pass fromFastify(instance)'],
  'an app of Koa': [new Koa(), 'pass fromNode(app.callback())'],
  'an app of Hono': [new Hono(), 'pass fromFetch(app)'],
  'an app of h3': [new H3(), 'pass fromFetch(app)'],
  'an app of polka': [polka(), 'pass fromNode(app.handler)'],
  'a server': [createNodeServer(), 'pass fromNode(listener)'],
  'a promise': [Promise.resolve(application), 'await it'],
};

const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

beforeEach(() => {
  uncaught.length = 0;
  process.on('unhandledRejection', onUncaught);
  process.on('uncaughtExceptionMonitor', onUncaught);
});

afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', onUncaught);
  process.off('uncaughtExceptionMonitor', onUncaught);
  expect(uncaught).toEqual([]);
});

describe.each(Object.entries(HOSTS))('%s', (_name, host) => {
  it.each(Object.entries(MISTAKES))(
    'refuses %s when it is mounted, with the cure',
    async (_what, mistake) => {
      const [value, cure] = mistake;
      // The table holds what JavaScript lets people pass.
      const mount = async (): Promise<unknown> => host(value as Application);
      await expect(mount()).rejects.toThrow(TypeError);
      await expect(mount()).rejects.toThrow(cure);
    },
  );
});

/** Listeners as people write them. */
const LISTENERS: Readonly<Record<string, (request: never, response: never) => unknown>> = {
  'ends at once': (_request, response: { end(text: string): void }) => response.end('x'),
  'writes a head': (_request, response: { writeHead(status: number): void }) => response.writeHead(200),
  'is asynchronous': async (_request, response: { setHeader(name: string, value: string): void }) => {
    await Promise.resolve();
    response.setHeader('A', 'b');
  },
  'sends by a method of Express': (_request, response: { send(text: string): void }) => response.send('x'),
  'reads first': (request: { on(name: string): void }) => request.on('data'),
  'is a context handler': (context: { body?: string }) => {
    context.body = 'x';
  },
};

describe('a listener taken for an application', () => {
  it.each(Object.entries(LISTENERS))(
    'is a 500 on every host whose log names the cure: it %s',
    async (_name, listener) => {
      // A listener has the type of no application; in JavaScript nothing tells.
      const wrong = listener as unknown as Application;
      for (const mount of ['server', 'node', 'express', 'fastify'] as const) {
        const log = createLog();
        const site = await sites[mount](wrong, log.environ);
        const { statusCode } = await site.fetch('/');
        expect([mount, statusCode]).toEqual([mount, 500]);
        expect(log.text, mount).toContain('pass fromNode(listener)');
      }
    },
  );

  it.each([
    [
      'throws an error of its own',
      () => {
        throw new TypeError('nothing.here is not a function');
      },
    ],
    [
      'starts its response and returns nothing',
      (_environ: unknown, start: (...args: unknown[]) => void) => start('200 OK', []),
    ],
  ])('is not suspected where an application %s', async (_name, wrong) => {
    const log = createLog();
    // The table holds what JavaScript lets people pass.
    const site = await sites.server(wrong as unknown as Application, log.environ);
    expect((await site.fetch('/')).statusCode).toBe(500);
    expect(log.text).not.toContain('fromNode');
  });
});

type Environ = Record<string, unknown>;

const sites: Readonly<
  Record<'server' | 'node' | 'express' | 'fastify', (app: Application, environ: Environ) => Promise<Site>>
> = {
  server: (app, environ) => listen(createServer(app, { environ })),
  node: (app, environ) => listen(createNodeServer(toNode(app, { environ }))),
  express: (app, environ) => serveExpress(appWith(toExpress(app, { environ })).app),
  fastify: async (app, environ) => {
    const instance = fastify();
    instance.register(toFastify(app, { environ }));
    return serveFastify(instance);
  },
};

describe('an adapter in the wrong place', () => {
  it.each([
    ['toNode', toNode(application)],
    ['toExpress', toExpress(application)],
  ])('throws at the first call as a route handler of Fastify, with the cure: %s', async (_name, adapter) => {
    const instance = fastify();
    instance.get('/', adapter as never);
    const answer = await instance.inject('/');
    expect(answer.statusCode).toBe(500);
    expect(answer.json().message).toContain('register(toFastify(application))');
  });

  it.each([
    ['toNode', toNode(application)],
    ['toExpress', toExpress(application)],
    ['fromExpress', fromExpress(express())],
    ['fromNode', fromNode(() => {})],
    ['fromFastify', fromFastify(fastify())],
  ])('fails the start of Fastify as a plugin, with the cure: %s', async (_name, adapter) => {
    const instance = fastify();
    instance.register(adapter as never);
    await expect(instance.ready()).rejects.toThrow('toFastify(application)');
  });

  it.each([
    ['toNode', toNode(application)],
    ['toExpress', toExpress(application)],
    ['toFastify', toFastify(application)],
  ])('fails as middleware of Koa with a 500: %s', async (_name, adapter) => {
    const app = new Koa();
    const errors: unknown[] = [];
    app.on('error', (error) => errors.push(error));
    app.use(adapter as never);
    const site = await listen(createNodeServer(app.callback() as never));
    expect((await site.fetch('/')).statusCode).toBe(500);
    expect(`${errors}`).toMatch(/toNode/);
  });

  it.each([
    ['fromExpress', fromExpress(express())],
    ['fromNode', fromNode(() => {})],
    ['fromFastify before it is ready', fromFastify(fastify())],
    ['toFastify', toFastify(application)],
  ])('reaches the error handler of Express, with the cure: %s', async (_name, wrong) => {
    const { app, errors } = appWith(wrong as never);
    const site = await serveExpress(app);
    expect((await site.fetch('/')).statusCode).toBe(500);
    expect(`${errors}`).toMatch(/toExpress/);
  });

  it('fails inside an application that calls it, and the cure is logged', async () => {
    const log = createLog();
    const inner = toNode(application);
    // As a middleware of the gateway might.
    const outer = ((environ: never, startResponse: never) =>
      inner(environ, startResponse)) as unknown as Application;
    const site = await sites.server(outer, log.environ);
    expect((await site.fetch('/')).statusCode).toBe(500);
    expect(log.text).toContain('give our own hosts the application itself');
  });

  it('answers as toNode does where toExpress is the listener of a server', async () => {
    const failing: Application = (environ) => {
      throw new Error(environ.PATH_INFO);
    };
    const log = createLog();
    const site = await listen(createNodeServer(toExpress(failing, { environ: log.environ }) as never));
    expect((await site.fetch('/x')).statusCode).toBe(500);
    expect(log.text).toContain('Error: /x');
    const missing = toExpress(answering('none', [], '404 Not Found'), { fallthrough: true });
    expect((await (await listen(createNodeServer(missing as never))).fetch('/')).statusCode).toBe(404);
  });
});
