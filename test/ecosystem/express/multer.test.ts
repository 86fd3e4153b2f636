/** multer: files in memory and on disk, limits, filters, and uploads that never end. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorRequestHandler } from 'express';
import multer from 'multer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type WireRequest } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'multer-'));
});
afterAll(() => rm(root, { recursive: true }));

const program = expressProgram(async (app, trail) => {
  let count = 0;
  const destination = await mkdtemp(join(root, 'run-'));
  const memory = multer({
    limits: { fileSize: 5000, files: 2, fields: 3, fieldSize: 100, fieldNameSize: 20, parts: 4 },
    fileFilter: (_req, file, callback) => callback(null, file.mimetype !== 'text/refused'),
  });
  const disk = multer({
    storage: multer.diskStorage({
      destination,
      filename(_req, file, callback) {
        count += 1;
        callback(null, `${count}-${file.originalname}`);
      },
    }),
  });
  const told = (file: Express.Multer.File): unknown[] => [
    file.fieldname,
    file.originalname,
    file.encoding,
    file.mimetype,
    file.size,
    file.buffer?.toString('latin1').slice(0, 50),
  ];
  app.post('/single', memory.single('file'), (req, res) => {
    res.json([req.file === undefined ? null : told(req.file), { ...req.body }]);
  });
  app.post('/array', memory.array('file', 2), (req, res) => {
    res.json([Array.isArray(req.files) ? req.files.map(told) : req.files, { ...req.body }]);
  });
  app.post('/any', memory.any(), (req, res) => {
    res.json([Array.isArray(req.files) ? req.files.map(told) : req.files, { ...req.body }]);
  });
  app.post('/none', memory.none(), (req, res) => void res.json({ ...req.body }));
  app.post('/disk', disk.array('file'), async (req, res) => {
    const files = Array.isArray(req.files) ? req.files : [];
    const stored = await Promise.all(files.map(({ path }) => readFile(path)));
    res.json([
      files.map(({ size, originalname }) => [size, originalname]),
      stored.map(({ length }) => length),
    ]);
  });
  app.get('/left', async (_req, res) => void res.json((await readdir(destination)).length));
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    trail.push(`${error.name} ${error.code} ${error.field} ${error.message}`);
    res.status(400).json([error.code, error.message]);
  };
  app.use(onError);
});

interface Part {
  readonly name: string;
  readonly file?: string;
  readonly type?: string;
  readonly content: string;
}

function form(target: string, parts: readonly Part[], boundary = 'b0undary'): WireRequest {
  const texts = parts.map(({ name, file, type, content }) => {
    const fileName = file === undefined ? '' : `; filename="${file}"`;
    const typeLine = type === undefined ? '' : `Content-Type: ${type}\r\n`;
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName}\r\n${typeLine}\r\n${content}\r\n`;
  });
  return {
    method: 'POST',
    target,
    headers: [['Content-Type', `multipart/form-data; boundary=${boundary}`]],
    content: `${texts.join('')}--${boundary}--\r\n`,
  };
}

const file = (content: string, more: Partial<Part> = {}): Part => ({
  name: 'file',
  file: 'naïve.txt',
  type: 'text/plain',
  content,
  ...more,
});
const field = (name: string, content: string): Part => ({ name, content });

const FORMS: readonly (readonly [string, readonly Part[]])[] = [
  ['nothing', []],
  ['one file', [file('content')]],
  ['a file and fields', [field('a', '1'), file('content'), field('a', '2'), field('c[d]', 'é')]],
  ['two files', [file('one'), file('two', { file: 'two.bin', type: 'application/octet-stream' })]],
  ['three files', [file('one'), file('two'), file('three')]],
  ['an empty file', [file('')]],
  ['a large file', [file('x'.repeat(4999))]],
  ['a file that is too large', [file('x'.repeat(5001)), field('after', '1')]],
  ['a file that is filtered', [file('x', { type: 'text/refused' }), field('after', '1')]],
  ['a file of another name', [file('x', { name: 'other' })]],
  ['a long field', [field('a', 'x'.repeat(200))]],
  ['a long name', [field('x'.repeat(30), 'a')]],
  ['many fields', ['a', 'b', 'c', 'd', 'e'].map((name) => field(name, '1'))],
];

describe('multer', () => {
  it.each(FORMS)('accepts %s', async (_name, parts) => {
    const { responses } = await expectAlike(program, async ({ fetch }) => {
      for (const target of ['/single', '/array', '/any', '/none', '/disk']) await fetch(form(target, parts));
    });
    expect(responses).toHaveLength(5);
    expect(responses.some(({ statusCode }) => statusCode === 200 || statusCode === 400)).toBe(true);
  });

  it('reads files and fields', async () => {
    const { responses } = await expectAlike(program, ({ fetch }) =>
      fetch(form('/single', [field('a', '1'), file('content')])),
    );
    const told = JSON.parse(responses[0]?.content.toString() ?? '');
    expect(told[0].slice(2)).toEqual(['7bit', 'text/plain', 7, 'content']);
    expect(told[1]).toEqual({ a: '1' });
  });

  it('refuses malformed forms', async () => {
    const good = form('/any', [file('content')]);
    const bad: WireRequest[] = [
      { ...good, content: 'no boundary at all' },
      { ...good, content: String(good.content).slice(0, -10) },
      { ...good, headers: [['Content-Type', 'multipart/form-data']] },
      { ...good, headers: [['Content-Type', 'application/json']], content: '{}' },
      { ...good, content: '' },
      { ...good, content: String(good.content).replace('form-data; ', '') },
    ];
    const { trail } = await expectAlike(program, async ({ fetch }) => {
      for (const request of bad) await fetch(request);
    });
    expect(trail.length).toBeGreaterThan(2);
  });

  it('accepts chunked forms', async () => {
    const { content, headers = [] } = form('/any', [file('in chunks'), field('a', '1')]);
    const pieces = String(content).match(/.{1,7}/gs) ?? [];
    const chunked = pieces
      .map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`)
      .join('');
    const { text } = await expectAlike(program, ({ fetch }) =>
      fetch({
        method: 'POST',
        target: '/any',
        headers: [...headers, ['Transfer-Encoding', 'chunked']],
        content: `${chunked}0\r\n\r\n`,
      }),
    );
    expect(text).toContain('in chunks');
  });

  it.each(['/any', '/disk'])('reports a client that left during an upload: %s', async (target) => {
    const { trail } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      const { content, headers = [] } = form(target, [file('x'.repeat(3000))]);
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      client.send(`POST ${target} HTTP/1.1\r\nHost: a\r\n${lines}Content-Length: 5000\r\n\r\n`);
      client.send(String(content).slice(0, 1000));
      await delay(25);
      client.reset();
      await until(() => visitor.trail.length > 0);
      await delay(20);
      await visitor.fetch('/left');
    });
    expect(trail).toHaveLength(1);
    expect(trail[0]).toContain('abort');
  });
});
