import { AsyncLocalStorage } from 'node:async_hooks';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { withContext } from '../../src/middleware/index.ts';
import type { Application, Environ } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { askServer, EVERYWHERE, HOSTS } from './kit.ts';

const storage = new AsyncLocalStorage<{ path: string }>();
const path = () => storage.getStore()?.path ?? 'nothing';
const layer = withContext(storage, (environ) => ({ path: environ.PATH_INFO }));

const CONTEXTUAL: Record<string, Application> = {
  function: (_environ, startResponse) => {
    startResponse('200 OK', []);
    return [path()];
  },
  async: async (_environ, startResponse) => {
    await new Promise(setImmediate);
    startResponse('200 OK', []);
    return [path()];
  },
  generator: function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield path();
  },
  'async generator': async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    await new Promise(setImmediate);
    yield path();
  },
  'write()': async (_environ, startResponse) => {
    const write = startResponse('200 OK', []);
    await write('');
    await write(path());
    return [];
  },
  Express: fromExpress(
    express().use(async (_request, response) => {
      response.write('');
      await new Promise(setImmediate);
      response.end(path());
    }),
  ),
};

describe('withContext', () => {
  it.each(
    Object.entries(CONTEXTUAL).flatMap(([form, application]) =>
      Object.entries(HOSTS).map(([host, ask]) => [form, host, application, ask] as const),
    ),
  )('holds in %s, %s', async (_form, _host, application, ask) => {
    const answers = await Promise.all([
      ask(layer(application), { path: '/one' }),
      ask(layer(application), { path: '/two' }),
    ]);
    expect(answers.map(({ text }) => text)).toEqual(['/one', '/two']);
  });

  it('holds in return(), close() and callbacks of on_finished', async () => {
    const seen: string[] = [];
    const application: Application = (environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '1']]);
      environ['gateway.on_finished']?.(() => seen.push(`finished ${path()}`));
      const chunks = async function* () {
        try {
          yield 'a';
          yield 'b';
        } finally {
          seen.push(`return ${path()}`);
        }
      };
      return Object.assign(chunks(), { close: () => seen.push(`close ${path()}`) });
    };
    await record(layer(application), { target: '/x' }).done;
    expect(seen).toEqual(['return /x', 'close /x', 'finished /x']);
  });

  it('has the environ as its store by default', async () => {
    const environs = new AsyncLocalStorage<Environ>();
    const site = withContext(environs)(function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield environs.getStore()?.PATH_INFO ?? '';
    });
    expect((await askServer(site, { path: '/x' })).text).toBe('/x');
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(layer(application));
    expect(answer.text).toBe('Hello world');
    expect(answer.log).toBe('');
  });

  it('refuses what is no storage', () => {
    expect(() => withContext({} as never)).toThrow('Storage must be an AsyncLocalStorage');
  });
});
