import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { head, methodOverride } from '../../src/middleware/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, HOSTS } from './kit.ts';

const echo: Application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`${environ.REQUEST_METHOD} ${environ['gateway.original_method']}`];
};

describe('methodOverride', () => {
  const site = methodOverride({ query: '_method' })(echo);
  const field = 'X-HTTP-Method-Override';

  it.each([
    ['POST', '/', 'DELETE', 'DELETE POST'],
    ['POST', '/', ' put', 'PUT POST'],
    ['POST', '/', 'POST', 'POST undefined'],
    ['POST', '/', '', 'POST undefined'],
    ['POST', '/?_method=PATCH', '', 'PATCH POST'],
    ['POST', '/?_method=PATCH', 'PUT', 'PUT POST'],
    ['GET', '/?_method=DELETE', 'DELETE', 'GET undefined'],
    ['PUT', '/', 'DELETE', 'PUT undefined'],
  ])('%s %s with %s', async (method, path, value, text) => {
    expect((await askInProcess(site, { method, path, headers: [[field, value]] })).text).toBe(text);
  });

  it.each(['GET', 'CONNECT', 'DELETE, PUT', 'DELETE\xff', '__proto__'])('refuses %s', async (value) => {
    const answer = await askInProcess(site, { method: 'POST', headers: [[field, value]] });
    expect(answer.status).toBe('400 Bad Request');
    expect(answer.text).not.toContain(value);
  });

  it('looks into the query only if told so', async () => {
    const answer = await askInProcess(methodOverride()(echo), { method: 'POST', path: '/?_method=DELETE' });
    expect(answer.text).toBe('POST undefined');
  });

  it.each(Object.entries(HOSTS))('reaches a wrapped program, with its content, %s', async (_host, ask) => {
    const app = express().delete('/', express.text(), (request, response) => {
      response.send(`${request.method} ${request.body}`);
    });
    const answer = await ask(methodOverride()(fromExpress(app)), {
      method: 'POST',
      headers: [
        [field, 'DELETE'],
        ['Content-Type', 'text/plain'],
      ],
      content: 'content',
    });
    expect(answer.text).toBe('DELETE content');
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    expect((await ask(methodOverride()(application))).text).toBe('Hello world');
  });
});

describe('head', () => {
  it.each(EVERYWHERE)(
    'answers as for GET, without content: %s, %s',
    async (form, _host, application, ask) => {
      const only: Application = (environ, startResponse) => {
        expect(environ.REQUEST_METHOD).toBe('GET');
        return (application as never as typeof only & ((...call: unknown[]) => never))(
          environ,
          startResponse,
        );
      };
      const inner = typeof application === 'function' && form !== 'a class' ? only : application;
      const answer = await ask(head()(inner), { method: 'HEAD' });
      expect(answer.status).toBe('200 OK');
      expect(answer.text).toBe('');
      expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain/);
      if (form === 'a function') expect(answer.headers.get('Content-Length')).toBe('11');
      expect(answer.log).toBe('');
    },
  );

  it('ends an endless body', async () => {
    const { done, sink } = record(
      head()(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        for (;;) yield 'again';
      }),
      { method: 'HEAD' },
    );
    await done;
    expect(sink.content).toBe('');
  });

  it('leaves other methods alone', async () => {
    expect((await askInProcess(head()(echo), { method: 'POST' })).text).toBe('POST undefined');
    expect((await askInProcess(head()(APPLICATIONS['a function'] as Application))).text).toBe('Hello world');
  });
});
