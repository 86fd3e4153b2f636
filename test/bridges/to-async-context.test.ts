/** The asynchronous context in which a host is called holds in the body that the application returns. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer as createServerOfNode } from 'node:http';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { ApplicationFunction } from '../../src/wsgi.ts';
import { listen, type Site, until } from './site.ts';

const storage = new AsyncLocalStorage<string>();

/** Serves an application in a context that the host opens. */
const HOSTS: Readonly<Record<string, (application: ApplicationFunction) => Promise<Site>>> = {
  'around the listener of toNode': (application) => {
    const listener = toNode(application);
    return listen(createServerOfNode((req, res) => storage.run('host', () => listener(req, res))));
  },
  'in middleware of Express': (application) => {
    const app = express();
    app.use((_req, _res, next) => storage.run('host', next));
    app.use(toExpress(application));
    return listen(createServerOfNode(app));
  },
  ...Object.fromEntries(
    [false, true].map((hijack) => [
      `in a hook of Fastify, ${hijack ? 'with' : 'without'} hijack`,
      async (application: ApplicationFunction) => {
        const instance = fastify();
        instance.addHook('onRequest', (_request, _reply, done) => storage.run('host', done));
        // Our types do not depend on Fastify's, and so do not match its overloads.
        instance.register(toFastify(application, { hijack }) as unknown as FastifyPluginAsync);
        await instance.ready();
        return listen(instance.server);
      },
    ]),
  ),
};

/** How the application answers. */
const FORMS: Readonly<Record<string, (application: ApplicationFunction) => ApplicationFunction>> = {
  synchronous: (application) => application,
  asynchronous:
    (application) =>
    async (...call) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return application(...call);
    },
  'within a context of its own':
    (application) =>
    (...call) =>
      storage.run('middleware', () => application(...call)),
};

describe.each(Object.entries(HOSTS))('a context %s', (_host, serve) => {
  it.each(Object.entries(FORMS))('holds in next and close, application %s', async (_form, make) => {
    const seen: (string | undefined)[] = [];
    const note = (): void => void seen.push(storage.getStore());
    const application = make((_environ, startResponse) => {
      startResponse('200 OK', []);
      let steps = 0;
      const next = async (): Promise<IteratorResult<string>> => {
        note();
        await new Promise((resolve) => setTimeout(resolve, 2));
        steps += 1;
        return steps < 3 ? { done: false, value: 'x'.repeat(20_000) } : { done: true, value: undefined };
      };
      return { [Symbol.asyncIterator]: () => ({ next }), close: note };
    });
    const { content } = await (await serve(application)).fetch('/');
    expect(content.length).toBe(40_000);
    await until(() => seen.length === 4);
    expect(seen).toEqual(['host', 'host', 'host', 'host']);
  });
});
