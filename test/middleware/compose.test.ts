import express from 'express';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { changeHead, compose, type Middleware } from '../../src/middleware/index.ts';
import type { Application, ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess } from './kit.ts';

const marking =
  (mark: string) =>
  (inner: ApplicationFunction): ApplicationFunction =>
  (environ, startResponse) =>
    inner(
      { ...environ, marks: `${environ.marks ?? ''}${mark}` },
      changeHead(startResponse, ({ headers }) => headers.addHeader('X-Mark', mark)),
    );

describe('compose', () => {
  it('makes the first layer the outermost', () => {
    const application: Application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return [String(environ.marks)];
    };
    const { sink } = record(compose(marking('a'), marking('b'), marking('c'))(application));
    expect(sink.content).toBe('abc');
    expect(sink.head?.headers.map(([, value]) => value)).toEqual(['c', 'b', 'a']);
  });

  it.each(Object.entries(APPLICATIONS))(
    'takes %s, and composes what it has composed',
    async (_form, application) => {
      const answer = await askInProcess(compose(compose(), compose(marking('a')), compose())(application));
      expect(answer.text).toBe('Hello world');
      expect(answer.headers.getAll('X-Mark')).toEqual(['a']);
    },
  );

  it('has a layer that gives an object or a class', async () => {
    const object = (inner: ApplicationFunction): Application => ({
      call: (environ: Environ, startResponse: StartResponse) => inner(environ, startResponse),
    });
    expect((await askInProcess(compose(object)(APPLICATIONS['a class'] as Application))).text).toBe(
      'Hello world',
    );
  });

  it('refuses what is no function, and what gives no application', () => {
    expect(() => compose({} as never)).toThrow('Middleware must be a function, not an instance of Object');
    expect(() => compose((() => undefined) as never)(() => [])).toThrow('Application must be a function');
    expect(() => compose()(express() as never)).toThrow('fromExpress');
  });

  it('has types that read well', () => {
    expectTypeOf(compose(marking('a'))).toEqualTypeOf<Middleware>();
    expectTypeOf(compose(marking('a'))(() => [])).toEqualTypeOf<ApplicationFunction>();
  });
});
