/**
 * The cells of the matrix: each pair of host and program has all acts, but for the exceptions here. The tests and the page are
 * made of this.
 *
 * Rule: an exception is a fact of a platform, with a test that fails once it is no fact any more. What we could do better is a bug.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { readText, seesFailure } from './acts.ts';
import { lambda, streamingLambda } from './hosts/lambda.ts';
import { testClient } from './hosts/test-client.ts';
import { createMarks, type Marks } from './marks.ts';
import type { Act, Host, Program, Site } from './matrix.ts';

/** An act that a pair cannot have. */
export interface Exception {
  /** Why not. */
  readonly sentence: string;
  readonly hosts: readonly Host[];
  readonly act: Act['name'];
  /** The programs that it concerns. @default all */
  concerns?(program: Program): boolean;
  /** Shows it. */
  run(site: Site, program: Program): Promise<void>;
}

/** The exceptions. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    sentence: 'Lambda takes the result when it is complete: all pieces come at once, after the last.',
    hosts: [lambda],
    act: 'stream',
    run: completeAtOnce,
  },
  {
    sentence: 'Lambda does not tell that a client has left: the program runs to its end.',
    hosts: [lambda],
    act: 'abort',
    run: completeAtOnce,
  },
  {
    sentence:
      'Lambda does not tell that a client has left: the program runs to its end. Only a stream that breaks in the function itself ends it.',
    hosts: [streamingLambda],
    act: 'abort',
    run: breakStream,
  },
  {
    sentence: 'The client of tests throws what the program throws, at the test.',
    hosts: [testClient],
    act: 'error',
    concerns: (program) => program.throws,
    run: throwAtTest,
  },
];

/** Gives the exception of a cell, if there is one. */
export function exceptionOf(host: Host, program: Program, act: Act): Exception | undefined {
  return EXCEPTIONS.find(
    (one) => one.hosts.includes(host) && one.act === act.name && (one.concerns?.(program) ?? true),
  );
}

async function completeAtOnce(site: Site): Promise<void> {
  const marks = createMarks();
  let isAnswered = false;
  const answer = ask(site, marks).then((response) => {
    isAnswered = true;
    return response;
  });
  await marks.begun();
  await delay(50);
  expect(isAnswered).toBe(false);
  marks.go();
  expect(await readText(await answer)).toMatch(/^first\.+last$/);
  expect(await marks.ending()).toBe('finished');
}

async function breakStream(site: Site): Promise<void> {
  const marks = createMarks();
  const response = await ask(site, marks);
  await response.leave();
  expect(await marks.ending()).toBe('left');
}

async function throwAtTest(site: Site): Promise<void> {
  await expect(site.send({ path: '/fail' })).rejects.toThrow();
  expect(await seesFailure(site)).toBe(true);
  const response = await site.send({ path: '/greet/Ada?x=2', fields: { 'X-Word': 'again' } });
  expect(await readText(response)).toBe('GET Ada ?x=2 again');
}

function ask(site: Site, { path }: Marks): ReturnType<Site['send']> {
  return site.send({ path: '/stream', fields: { 'X-Marks': path } });
}
