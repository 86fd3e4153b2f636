/** Values that people mount as an application, although they are none. */
import express from 'express';
import fastify from 'fastify';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toFetch } from '../../bridges/fetch/index.ts';
import { toLambda } from '../../bridges/lambda/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/wsgi.ts';

const application: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [];
};

/** Adapters of this package, and apps of frameworks. */
export const MISTAKES: Readonly<Record<string, unknown>> = {
  'a listener of toNode': toNode(application),
  'a handler of toExpress': toExpress(application),
  'a plugin of toFastify': toFastify(application),
  'a handler of toFetch': toFetch(application),
  'a handler of toLambda': toLambda(application),
  'an app of Express': express(),
  'an instance of Fastify': fastify(),
};
