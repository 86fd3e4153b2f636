import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compareRuns, type Exemption } from './comparison.ts';
import { detectSuite } from './suite-profile.ts';
import { listFiles } from './suite-run.ts';
import { parseTap } from './tap.ts';
import { indexTests, type SuiteRun, type TestResult } from './test-result.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-checkout-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a checkout of files. */
function checkout(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

const test = (name: string, outcome: TestResult['outcome']): TestResult => ({ file: 'a.js', name, outcome });
const run = (...tests: TestResult[]): SuiteRun => ({ tests, servers: 0, ours: 0, cutOff: [] });
const exempt = (name: string): Exemption => ({ file: 'a.js', name, reason: 'It may', rule: 'RFC 9112' });

describe('a comparison', () => {
  it('reports tests that pass there and not here, unless they are exempt', () => {
    const there = run(test('one', 'passed'), test('two', 'passed'), test('three', 'failed'));
    const here = run(test('one', 'failed'), test('two', 'failed'), test('three', 'failed'));
    const comparison = compareRuns(there, here, [exempt('two')]);
    expect(comparison.regressions.map(({ name }) => name)).toEqual(['a.js: one']);
    expect(comparison.exempt.map(({ name }) => name)).toEqual(['a.js: two']);
    expect(comparison.stale).toEqual([]);
  });

  it('counts a test that reports nothing as lost', () => {
    const { regressions } = compareRuns(run(test('one', 'passed')), run(), []);
    expect(regressions).toEqual([{ name: 'a.js: one', file: 'a.js', result: undefined }]);
  });

  it('exempts the tests within an exempt test, and none that only begin with its name', () => {
    const there = run(test('one > within', 'passed'), test('one more', 'passed'));
    const { regressions } = compareRuns(there, run(), [exempt('one')]);
    expect(regressions.map(({ name }) => name)).toEqual(['a.js: one more']);
  });

  it('exempts a test that failed only because exempt tests within it did', () => {
    const names = ['one > within', 'one > other', 'one'];
    const there = run(...names.map((name) => test(name, 'passed')));
    const here = run({ ...test('one', 'failed'), message: '2 subtests failed' });
    const within = names.slice(0, 2).map(exempt);
    expect(compareRuns(there, here, within).regressions).toEqual([]);
    const { regressions } = compareRuns(there, here, within.slice(1));
    expect(regressions.map(({ name }) => name)).toEqual(['a.js: one > within', 'a.js: one']);
  });

  it.each(['passes', 'does not exist'])('calls an exemption stale if its test %s', (kind) => {
    const passing = kind === 'passes' ? [test('one', 'passed')] : [];
    expect(compareRuns(run(...passing), run(...passing), [exempt('one')]).stale).toHaveLength(1);
  });

  it('tells tests of the same name apart', () => {
    const tests = [test('one', 'passed'), test('one', 'failed')];
    expect([...indexTests(tests).keys()]).toEqual(['a.js: one', 'a.js: one (2)']);
  });
});

describe('TAP of node:test', () => {
  it('is read with nested tests', () => {
    const text = [
      '# Subtest: outer',
      '    # Subtest: inner \\#1',
      '    not ok 1 - inner \\#1',
      '      ---',
      "      error: 'Expected something'",
      '      ...',
      'not ok 1 - outer',
      '# Subtest: later',
      'ok 2 - later # SKIP',
      'ok 3 - last',
    ].join('\n');
    expect(parseTap(text, 'a.js')).toEqual([
      { file: 'a.js', name: 'outer > inner #1', outcome: 'failed', message: 'Expected something' },
      { file: 'a.js', name: 'outer', outcome: 'failed', message: '' },
      { file: 'a.js', name: 'later', outcome: 'skipped' },
      { file: 'a.js', name: 'last', outcome: 'passed' },
    ]);
  });
});

describe('a checkout', () => {
  it('is known by its name, or by the runner in its package.json', () => {
    const manifest = (name: string, command: string): string =>
      JSON.stringify({ name, version: '1.2.3', scripts: { test: command } });
    const known = checkout('known', { 'package.json': manifest('express', 'mocha') });
    expect(detectSuite(known)).toMatchObject({ name: 'express', version: '1.2.3' });
    expect(detectSuite(known, 'ws').name).toBe('ws');
    const other = checkout('other', { 'package.json': manifest('other', 'nyc mocha'), 'test/a.js': '' });
    const { profile } = detectSuite(other);
    expect(profile.runner).toBe('mocha');
    expect(listFiles(other, profile)).toEqual(['test/a.js']);
    expect(listFiles(other, profile, /b/)).toEqual([]);
    const neither = checkout('neither', { 'package.json': manifest('neither', 'jest') });
    expect(() => detectSuite(neither)).toThrow(TypeError);
  });

  it('is run on both servers by the program, which fails if ours loses a test', async () => {
    const sample = checkout('sample', {
      'package.json': JSON.stringify({ name: 'sample', version: '1.0.0', scripts: { test: 'node --test' } }),
      'test/sample.test.js': SAMPLE,
    });
    const { code, output } = await suite('--dir', sample);
    expect(output).toContain('| node:http | 3 | 0 | 0 | 2 | 0 | 0 |');
    expect(output).toContain('| gatebridge | 1 | 2 | 0 | 2 | 2 | 0 |');
    expect(output).toContain('1 of the 3 tests that pass on node:http pass here');
    expect(output).toMatch(/Regressions: 2\n {2}test\/sample\.test\.js: host > is not looked at/);
    expect(code).toBe(1);
  }, 120_000);
});

const SAMPLE = `
const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');

async function ask(headers) {
  const server = http.createServer((req, res) => res.end('hello'));
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  const request = http.get({ port, headers });
  const [response] = await require('node:events').once(request, 'response');
  response.resume();
  server.close();
  return response.statusCode;
}

test('answers', async () => assert.equal(await ask({}), 200));
test('host', async (t) => {
  await t.test('is not looked at', async () => assert.equal(await ask({ host: 'a b' }), 200));
});
`;

function suite(...values: string[]): Promise<{ code: unknown; output: string }> {
  const root = join(import.meta.dirname, '../..');
  const program = ['--import', 'tsx', join(import.meta.dirname, 'main.ts'), ...values];
  return new Promise((resolve) => {
    execFile(process.execPath, program, { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

describe('the exemptions', () => {
  const lists = readdirSync(join(import.meta.dirname, 'exemptions'));

  it.each(lists)('%s: each has a reason and a rule', (name) => {
    const text = readFileSync(join(import.meta.dirname, 'exemptions', name), 'utf8');
    const { version, tests }: { version: string; tests: Exemption[] } = JSON.parse(text);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(tests).not.toHaveLength(0);
    for (const { file, name: title, reason, rule } of tests) {
      expect([file, title, reason].map((part) => typeof part)).toEqual(['string', 'string', 'string']);
      expect(rule).toMatch(/^RFC \d+ §|^docs\//);
    }
  });
});
