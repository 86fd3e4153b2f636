/** The built package in the runtimes beside node: every entry loads, and servers and wrapped apps answer. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { projectFolder } from '../cli/command.ts';
import { requirePeer } from '../support/peer.ts';
import { ENGINES } from './engines.ts';

const { exports }: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
);
const ENTRIES = Object.keys(exports).filter((entry) => entry !== './package.json');

const PROGRAM = `
import express from 'express';
import { fromExpress } from 'gatebridge/express';
import { toFetch } from 'gatebridge/fetch';
import { serve } from 'gatebridge/server';

const loaded = [];
for (const entry of ${JSON.stringify(ENTRIES)}) {
  const names = Object.keys(await import(entry.replace('.', 'gatebridge')));
  if (names.length > 0) loaded.push(entry);
}
const hello = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return ['hello'];
};
const app = express().get('/', (_request, response) => response.send('app'));
const answers = [await (await toFetch(hello)(new Request('http://a.test/'))).text()];
for (const application of [hello, fromExpress(app)]) {
  const server = await serve(application, { port: 0 });
  answers.push(await (await fetch(server.url)).text());
}
console.log(JSON.stringify({ loaded, answers }));
process.exit(0);
`;

it.for(ENGINES)(
  '$name loads all entries and serves',
  { timeout: 60_000 },
  async ({ program, run }, context) => {
    requirePeer(context, program);
    const folder = projectFolder({ 'program.mjs': PROGRAM, 'package.json': '{ "type": "module" }' }, [
      'express',
    ]);
    const { stdout } = await promisify(execFile)(program, [...run, join(folder, 'program.mjs')], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toEqual({ loaded: ENTRIES, answers: ['hello', 'hello', 'app'] });
  },
);
