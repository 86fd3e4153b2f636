/**
 * Parses the TAP output of node:test.
 *
 * TAP, because its reporter is built in. Node 20 loads a custom reporter between loading a file and running its first
 * test, and by then Fastify's tests can no longer add their routes.
 */
import type { TestResult } from './test-result.ts';

const SUBTEST = /^( *)# Subtest: (.*)$/;
const RESULT = /^( *)(not )?ok \d+ - (.*?)( # (?:SKIP|TO[D]O).*)?$/;
const ERROR = /^ *error: (?:\|-$)?(.*)$/;

/** Returns the results of one file. A nested test is named by its whole path. */
export function parseTap(text: string, file: string): TestResult[] {
  const path: string[] = [];
  const results: TestResult[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const subtest = SUBTEST.exec(line);
    if (subtest !== null) {
      path.length = depthOf(subtest[1]);
      path.push(unescapeName(subtest[2]));
      continue;
    }
    const result = RESULT.exec(line);
    if (result === null) continue;
    const [, indentation, negation, name, directive] = result;
    const names = [...path.slice(0, depthOf(indentation)), unescapeName(name)];
    const test = { file, name: names.join(' > ') };
    if (directive !== undefined) results.push({ ...test, outcome: 'skipped' });
    else if (negation === undefined) results.push({ ...test, outcome: 'passed' });
    else results.push({ ...test, outcome: 'failed', message: findError(lines.slice(index + 1, index + 12)) });
  }
  return results;
}

function depthOf(indentation = ''): number {
  return indentation.length / 4;
}

function unescapeName(name = ''): string {
  return name.replace(/\\([#\\])/g, '$1');
}

function findError(lines: readonly string[]): string {
  const at = lines.findIndex((line) => ERROR.test(line));
  if (at === -1) return '';
  const own = ERROR.exec(lines[at] ?? '')?.[1] ?? '';
  return own === '' ? (lines[at + 1]?.trim() ?? '') : own.replace(/^'|'$/g, '');
}
