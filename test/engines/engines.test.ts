/**
 * The audits in the runtimes beside node: all pass but those that known-failures.ts explains. CI runs those of toFetch that pass, on
 * workerd some of them; `npm run tour` all, and checks that what is known to fail still does.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { requirePeer } from '../support/peer.ts';
import { ENGINES, WORKERD } from './engines.ts';
import { HOSTS } from './hosts.ts';
import { isSlow, knownFailures } from './known-failures.ts';
import { type RunningWorker, startWorker } from './workerd.ts';

const ROOT = join(import.meta.dirname, '../..');
const IS_TOUR = process.env.TOUR !== undefined;
const MINUTES = 60_000;

interface Outcome {
  readonly id: string;
  readonly failure?: string;
}

/** Checks outcomes of audits against what is known. */
function judge(outcomes: readonly Outcome[], known: readonly string[]): void {
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  expect(failed.filter(({ id }) => !known.includes(id))).toEqual([]);
  const passed = known.filter((id) => !failed.some((outcome) => outcome.id === id));
  if (IS_TOUR) expect(passed.filter((id) => !isSlow(id))).toEqual([]);
}

for (const { name, program, run } of ENGINES) {
  describe(name, () => {
    for (const host of IS_TOUR ? Object.keys(HOSTS) : ['toFetch']) {
      it(`runs the audits of ${host}`, { timeout: 6 * MINUTES }, async (context) => {
        requirePeer(context, program);
        const known = knownFailures(name, host);
        const leftOut = IS_TOUR ? [] : known.map((id) => `-${id}`);
        const words = [...run, join(import.meta.dirname, 'audit-program.ts'), host, ...leftOut];
        const { stdout } = await promisify(execFile)(program, words, { cwd: ROOT, maxBuffer: 1 << 26 });
        const lines = stdout.split('\n').filter((line) => line.startsWith('{"id"'));
        const outcomes: Outcome[] = lines.map((line) => JSON.parse(line));
        expect(outcomes.length).toBeGreaterThan(200);
        judge(outcomes, known);
      });
    }
  });
}

describe('workerd', () => {
  let worker: RunningWorker | undefined;

  async function start(): Promise<void> {
    worker = await startWorker(join(import.meta.dirname, 'worker.ts'), 'neutral');
    await expect.poll(() => ask('').then(...OUTCOMES), { timeout: 20_000 }).toBe(true);
  }

  async function ask(query: string): Promise<unknown> {
    const { http, control } = worker ?? {};
    const response = await fetch(`http://127.0.0.1:${control}/?port=${http}${query}`);
    return response.json();
  }

  afterAll(() => worker?.stop());

  it('runs the audits of toFetch', { timeout: 8 * MINUTES }, async (context) => {
    requirePeer(context, WORKERD);
    await start();
    const known = knownFailures('workerd', 'toFetch');
    // The worker itself tells which apply.
    const applicable = (await ask('')) as string[];
    expect(applicable.length).toBeGreaterThan(200);
    const outcomes: Outcome[] = [];
    for (const id of applicable) {
      if (!IS_TOUR && (known.includes(id) || !IN_CI.test(id))) continue;
      // The worker answers with the outcome.
      outcomes.push((await ask(`&id=${id}`)) as Outcome);
    }
    judge(outcomes, known);
  });

  it('tells an application on workerd that its client has left', { timeout: MINUTES }, async (context) => {
    requirePeer(context, WORKERD);
    if (worker === undefined) await start();
    await ask('&departure=begin');
    const left = new AbortController();
    const response = await fetch(`http://127.0.0.1:${worker?.http}/`, { signal: left.signal });
    await response.body?.getReader().read();
    left.abort();
    await expect
      .poll(() => ask('&departure=tell'), { timeout: 10_000 })
      .toEqual(['aborted', 'closed', 'finished']);
  });
});

/** Of a worker that answers, and of one that does not. */
const OUTCOMES = [() => true, () => false] as const;

/** The audits that run in CI: they share one host, and so run one after the other. */
const IN_CI = /^(?:environ-[2-4]|start-response|body-1[0-2]|write-9|failure|forms)/;
