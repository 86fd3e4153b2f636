/**
 * The types of the mounts against those of their hosts. tsc checks them; the titles say what it checks.
 */
import { createServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import fastify, {
  type FastifyInstance,
  type FastifyPluginCallback,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type ToExpressOptions, toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import type {
  FastifyReplyLike,
  FastifyRequestLike,
  FastifyRouteLike,
  FastifyScope,
} from '../../bridges/fastify/instance.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/index.ts';

const application: Application = (_environ, startResponse) => {
  startResponse('204 No Content', []);
  return [];
};

describe('types of toNode', () => {
  it('fit the servers of node', () => {
    createServer(toNode(application));
    createHttpsServer({}, toNode(application));
    createHttp2Server(toNode(application));
    createSecureServer({}, toNode(application));
    createServer().on('checkContinue', toNode(application));
  });
});

describe('types of toExpress', () => {
  it("fit Express's handlers", () => {
    expectTypeOf(toExpress(application)).toExtend<RequestHandler>();
    expectTypeOf<Request>().toExtend<Parameters<ReturnType<typeof toExpress>>[0]>();
    expectTypeOf<Response>().toExtend<Parameters<ReturnType<typeof toExpress>>[1]>();
    expectTypeOf<NextFunction>().toExtend<Parameters<ReturnType<typeof toExpress>>[2]>();
    express().use(toExpress(application)).use('/x', toExpress(application));
    express().all('/{*path}', toExpress(application));
    Router().use('/:tenant', toExpress(application));
  });

  it('include their options', () => {
    expectTypeOf<ToExpressOptions['fallthrough']>().toEqualTypeOf<boolean | 'cascade' | undefined>();
    // @ts-expect-error there is no such option
    expect(() => toExpress(application, { fallThrough: true })).toThrow(TypeError);
  });
});

describe('types of toFastify', () => {
  it("fit Fastify's plugins", () => {
    expectTypeOf(toFastify(application)).toExtend<FastifyPluginCallback>();
    expectTypeOf<FastifyInstance>().toExtend<FastifyScope>();
    expectTypeOf<FastifyRequest>().toExtend<FastifyRequestLike>();
    expectTypeOf<FastifyReply>().toExtend<FastifyReplyLike>();
    fastify().register(toFastify(application), { prefix: '/x' });
  });

  it('fit an instance over HTTP/2', () => {
    fastify({ http2: true }).register(toFastify(application), { prefix: '/x' });
  });
});

it('requires no schema properties that only plugins declare', () => {
  // @fastify/swagger is installed and declares `hide`; Fastify alone knows no property of a schema.
  expectTypeOf<keyof NonNullable<FastifyRouteLike['schema']>>().toEqualTypeOf<never>();
});
