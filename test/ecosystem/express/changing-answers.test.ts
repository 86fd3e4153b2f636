/** Middleware that changes answers in a patched `write` or `end`, in front of mounted applications and wrapped apps. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import express, { type RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { createServer as createOurs } from '../../../src/server/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { answering, listen, pieces } from '../../bridges/site.ts';

// These packages have no types.
const require = createRequire(import.meta.url);
const mung = require('express-mung');
const modify = require('express-modify-response');
const interceptor = require('express-interceptor');

const upper = (text: string): string => text.toUpperCase();

const MIDDLEWARE: Readonly<Record<string, RequestHandler>> = {
  'express-mung, write': mung.write((chunk: unknown) => upper(String(chunk))),
  'express-modify-response': modify(
    () => true,
    (_req: unknown, _res: unknown, body: Buffer) => upper(body.toString()),
  ),
  'express-interceptor': interceptor(() => ({
    isInterceptable: () => true,
    intercept: (body: string, send: (text: string) => void) => send(upper(body)),
  })),
};

const wrapped = fromExpress(express().get('/', (_req, res) => void res.type('text').send('one two')));

const APPLICATIONS: Readonly<Record<string, Application>> = {
  'an array': answering('one two', [['Content-Type', 'text/plain']]),
  pieces: pieces(['one ', 'two'], [['Content-Type', 'text/plain']]),
  'a wrapped app': wrapped,
};

describe.each(Object.entries(MIDDLEWARE))('%s', (name, middleware) => {
  it.each(Object.entries(APPLICATIONS))('changes the answer of %s', async (kind, application) => {
    // It patches write alone, which neither res.send nor a whole answer calls.
    const expected = name.startsWith('express-mung') && kind !== 'pieces' ? 'one two' : 'ONE TWO';
    const app = express().use(middleware, toExpress(application));
    for (const server of [createServer(app), createOurs(fromExpress(app))]) {
      const response = await (await listen(server)).fetch('/');
      expect([response.statusCode, response.content.toString()]).toEqual([200, expected]);
    }
  });
});
