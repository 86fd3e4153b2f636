import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expectTypeOf, it } from 'vitest';
import type {
  Application,
  Body,
  Environ,
  FileWrapperFunction,
  HeaderList,
  StartResponse,
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

describe('the type of an environ', () => {
  it('knows the optional keys of hosts', () => {
    expectTypeOf<Environ['gateway.signal']>().toEqualTypeOf<(() => AbortSignal) | undefined>();
    expectTypeOf<Environ['gateway.raw_headers']>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<Environ['gateway.early_hints']>().toEqualTypeOf<
      ((headers: HeaderList) => void) | undefined
    >();
    expectTypeOf<Environ['wsgi.file_wrapper']>().toEqualTypeOf<
      ((file: object, blockSize?: number) => Body) | undefined
    >();
    expectTypeOf<FileWrapperFunction>().toExtend<(file: never, blockSize?: number) => Body>();
    expectTypeOf<Environ['app.database']>().toEqualTypeOf<unknown>();
  });
});
