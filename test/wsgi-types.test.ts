import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expectTypeOf, it } from 'vitest';
import { toNode } from '../bridges/node/index.ts';
import {
  type Application,
  type ApplicationFunction,
  type ApplicationObject,
  type Body,
  type Environ,
  type FileWrapperFunction,
  type HeaderList,
  type StartResponse,
  toApplication,
} from '../src/index.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

describe('the type of an application', () => {
  it('has the three forms', () => {
    expectTypeOf<(environ: Environ, startResponse: StartResponse) => Uint8Array[]>().toExtend<Application>();
    expectTypeOf<() => Promise<string[]>>().toExtend<Application>();
    expectTypeOf<() => AsyncGenerator<Uint8Array>>().toExtend<Application>();
    expectTypeOf<new () => Iterable<Uint8Array>>().toExtend<Application>();
    expectTypeOf<{ call(): Uint8Array[] }>().toExtend<Application>();
  });

  it('types the arguments of a function', () => {
    const application: Application = (environ, startResponse) => {
      expectTypeOf(environ).toEqualTypeOf<Environ>();
      expectTypeOf(startResponse).toEqualTypeOf<StartResponse>();
      return [];
    };
    expectTypeOf(application).toExtend<Application>();
  });

  it('refuses any other function', () => {
    expectTypeOf<Listener>().not.toExtend<Application>();
    expectTypeOf(express()).not.toExtend<Application>();
    expectTypeOf(fastify()).not.toExtend<Application>();
    expectTypeOf<(environ: Environ) => string>().not.toExtend<Application>();
    expectTypeOf<(environ: Environ) => void>().not.toExtend<Application>();
    expectTypeOf<(environ: Environ) => number[]>().not.toExtend<Application>();
    expectTypeOf<(environ: Environ) => Promise<Response>>().not.toExtend<Application>();
  });
});

describe('the type of an object with a call method', () => {
  const noContent: Body = [];

  it('gives its parameters their types, in every way of writing it', () => {
    const objects: Application[] = [
      {
        call(environ, startResponse) {
          expectTypeOf(environ).toEqualTypeOf<Environ>();
          expectTypeOf(startResponse).toEqualTypeOf<StartResponse>();
          return noContent;
        },
      },
      {
        async call(environ, startResponse) {
          expectTypeOf(environ).toEqualTypeOf<Environ>();
          expectTypeOf(startResponse).toEqualTypeOf<StartResponse>();
          return noContent;
        },
      },
      {
        call: (environ, startResponse) => {
          expectTypeOf(environ).toEqualTypeOf<Environ>();
          expectTypeOf(startResponse).toEqualTypeOf<StartResponse>();
          return noContent;
        },
      },
      {
        *call(environ) {
          yield environ.PATH_INFO;
        },
      },
    ];
    expectTypeOf(objects).toEqualTypeOf<Application[]>();
  });

  it('gives them where a host takes it', () => {
    toNode({
      call(environ) {
        expectTypeOf(environ).toEqualTypeOf<Environ>();
        return noContent;
      },
    });
    toApplication({
      call(environ) {
        expectTypeOf(environ).toEqualTypeOf<Environ>();
        return noContent;
      },
    });
  });

  it('is not that of a function', () => {
    expectTypeOf<() => Uint8Array[]>().not.toExtend<ApplicationObject>();
    expectTypeOf<{ call: string }>().not.toExtend<Application>();
  });
});

describe('the types for middleware', () => {
  it('can call an ApplicationFunction', () => {
    const wrap =
      (application: ApplicationFunction): ApplicationFunction =>
      (environ, startResponse) =>
        application({ ...environ, SCRIPT_NAME: '/x', HTTP_X: 'y', 'app.key': 1 }, startResponse);
    expectTypeOf(wrap).toBeCallableWith(toApplication(wrap(() => [])));
  });

  it('say of an Application that it cannot be called', () => {
    const wrap =
      (application: Application): ApplicationFunction =>
      (environ, startResponse) =>
        // @ts-expect-error one of its forms is a class
        application(environ, startResponse);
    expectTypeOf(wrap).toBeFunction();
  });

  it('let an environ be copied without some keys', () => {
    const environ = {} as Environ;
    const { CONTENT_LENGTH: _length, HTTP_COOKIE: _cookie, HTTP_X_FIELD: _field, ...rest } = environ;
    expectTypeOf(rest).toExtend<Environ>();
  });
});

describe('the type of startResponse', () => {
  const startResponse: StartResponse = () => async () => {};

  it('takes lists that cannot change', () => {
    const constant = [['Content-Type', 'text/plain']] as const;
    const readonly: readonly (readonly [string, string])[] = constant;
    startResponse('200 OK', constant);
    startResponse('200 OK', readonly);
    startResponse('200 OK', Object.freeze([['Content-Type', 'text/plain']]));
    startResponse('200 OK', Object.freeze(constant));
    startResponse('200 OK', Object.freeze([Object.freeze(['Content-Type', 'text/plain'] as const)]));
    const environ: Partial<Environ> = {};
    environ['gateway.early_hints']?.(constant);
    environ['gateway.informational']?.(103, constant);
    environ['gateway.send_trailers']?.(constant);
  });

  it('takes lists that were built, and copies with one more', () => {
    const pairs: [string, string][] = [['Content-Type', 'text/plain']];
    const list: HeaderList = pairs;
    list.push(['X-Other', 'value']);
    startResponse('200 OK', pairs);
    startResponse('200 OK', list);
    const shown: StartResponse = (status, headers, excInfo) =>
      startResponse(status, [...headers, ['X-Other', 'value']], excInfo);
    expectTypeOf(shown).toEqualTypeOf<StartResponse>();
    const wrong: StartResponse = (status, headers) => {
      // @ts-expect-error the list may be frozen
      headers.push(['X-Other', 'value']);
      return startResponse(status, headers);
    };
    expectTypeOf(wrong).toEqualTypeOf<StartResponse>();
  });

  it('takes pairs of strings only', () => {
    // @ts-expect-error
    startResponse('200 OK', [['Content-Length', 5]]);
    // @ts-expect-error
    startResponse('200 OK', [['Content-Length']]);
    // @ts-expect-error
    startResponse('200 OK', { 'Content-Length': '5' });
  });
});

describe('the type of an environ', () => {
  it('has every field of the request as text', () => {
    expectTypeOf<Environ['HTTP_X_REQUEST_ID']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Environ['HTTP_HOST']>().toEqualTypeOf<string | undefined>();
    const environ = {} as Environ;
    // @ts-expect-error
    environ.HTTP_X_RETRIES = 3;
  });

  it('knows the optional keys of hosts', () => {
    expectTypeOf<Environ['gateway.signal']>().toEqualTypeOf<(() => AbortSignal) | undefined>();
    expectTypeOf<Environ['gateway.raw_headers']>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<Environ['gateway.early_hints']>().toEqualTypeOf<
      ((headers: Readonly<HeaderList>) => void) | undefined
    >();
    expectTypeOf<Environ['wsgi.file_wrapper']>().toEqualTypeOf<
      ((file: object, blockSize?: number) => Body) | undefined
    >();
    expectTypeOf<FileWrapperFunction>().toExtend<(file: never, blockSize?: number) => Body>();
    expectTypeOf<Environ['app.database']>().toEqualTypeOf<unknown>();
  });
});
