/** Middleware and routers as programs. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import serveStatic from 'serve-static';
import { expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { createLog, listen } from '../site.ts';

it('serves files by serve-static, and what it passes on is a 404', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatebridge-'));
  writeFileSync(join(directory, 'a.txt'), 'text');
  const site = await listen(createServer(fromNode(serveStatic(directory))));
  expect((await site.fetch('/a.txt')).content.toString()).toBe('text');
  expect((await site.fetch('/none')).statusCode).toBe(404);
  expect((await site.fetch({ method: 'POST', target: '/a.txt', content: 'x' })).statusCode).toBe(404);
});

it('takes an error that middleware passes on for the application’s', async () => {
  const log = createLog();
  const failing = fromNode((_req, _res, next) => void setTimeout(next, 1, new Error('passed on')));
  const site = await listen(createServer(failing, { environ: log.environ }));
  expect((await site.fetch('/')).statusCode).toBe(500);
  expect(log.text).toContain('passed on');
});

it('says how to wrap a router of Express', async () => {
  const router = express.Router().get('/', (_req, res) => void res.send('routed'));
  expect(() => fromExpress(router as never)).toThrow('express().use(router)');
  const site = await listen(createServer(fromExpress(express().use(router))));
  expect((await site.fetch('/')).content.toString()).toBe('routed');
});
