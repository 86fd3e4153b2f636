/**
 * The audits in the runtimes beside node: all pass but those that known-failures.ts explains. CI runs those of toFetch that pass, on
 * workerd some of them; `npm run tour` all, and checks that what is known to fail still does.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { requirePeer } from '../support/peer.ts';
import { ENGINES, WORKERD } from './engines.ts';
import { HOSTS } from './hosts.ts';
import { isSlow, knownFailures } from './known-failures.ts';

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
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-workerd-'));
  let child: ChildProcess | undefined;
  let ports: { http: number; control: number } = { http: 0, control: 0 };

  async function start(): Promise<void> {
    const worker = { bundle: true, format: 'esm', platform: 'neutral', target: 'es2022' } as const;
    const entry = join(import.meta.dirname, 'worker.ts');
    await build({
      ...worker,
      entryPoints: [entry],
      external: ['node:*'],
      outfile: join(folder, 'worker.js'),
    });
    ports = { http: await freePort(), control: await freePort() };
    writeFileSync(join(folder, 'config.capnp'), config(ports.http, ports.control));
    child = spawn(WORKERD, ['serve', 'config.capnp'], { cwd: folder, stdio: 'ignore' });
    await expect
      .poll(
        () =>
          ask('').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
  }

  async function ask(query: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${ports.control}/?port=${ports.http}${query}`);
    return response.json();
  }

  afterAll(async () => {
    if (child?.kill()) await once(child, 'close');
    rmSync(folder, { recursive: true, force: true });
  });

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
    if (child === undefined) await start();
    await ask('&departure=begin');
    const left = new AbortController();
    const response = await fetch(`http://127.0.0.1:${ports.http}/`, { signal: left.signal });
    await response.body?.getReader().read();
    left.abort();
    await expect
      .poll(() => ask('&departure=tell'), { timeout: 10_000 })
      .toEqual(['aborted', 'closed', 'finished']);
  });
});

/** The audits that run in CI: they share one host, and so run one after the other. */
const IN_CI = /^(?:environ-[2-4]|start-response|body-1[0-2]|write-9|failure|forms)/;

function config(http: number, control: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${http}", http = (), service = "main"),
    (name = "control", address = "127.0.0.1:${control}", http = (), service = (name = "main", entrypoint = "control")),
  ],
);
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
