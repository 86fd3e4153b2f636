/**
 * The soak: rounds of good clients alone, then beside hostile ones, then alone again; and the holdings of the server
 * before and after.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Observer, type Operation, startGoodClients } from './good-clients.ts';
import type { Ports } from './hostile-clients.ts';
import { Measurements, type Summary, summarise } from './measurements.ts';
import { startProgram } from './program.ts';
import type { Holdings } from './server-program.ts';

export interface SoakOptions {
  /** Milliseconds of all rounds together. */
  readonly duration: number;
  readonly rounds: number;
  /** The fraction of the hostile clients that run. @default 1 */
  readonly scale?: number;
  onPhase?(name: string): void;
}

export interface SoakResult {
  readonly quiet: Readonly<Record<Operation, Summary>>;
  readonly attacked: Readonly<Record<Operation, Summary>>;
  /** Errors that good clients saw. */
  readonly errors: readonly string[];
  /** Connections of hostile clients, by kind. */
  readonly attacks: Readonly<Record<string, number>>;
  readonly before: Holdings;
  readonly after: Holdings;
  /** Peak of resident memory in any phase, in octets. */
  readonly peakRss: number;
  /** The fraction of a core that the server used. */
  readonly quietLoad: number;
  readonly attackedLoad: number;
}

/** Good clients, and milliseconds of a window: some hundred operations of each kind. */
const GOOD_CLIENTS = 12;
const WINDOW = 5_000;
/** The fraction of a round that is quiet; half of it before the attack, half after. */
const QUIET_PART = 0.4;
/** Milliseconds; more than the server's longest time-out and the lingering after it. */
const SETTLING = 10_000;

export async function runSoak({ duration, rounds, scale = 1, onPhase }: SoakOptions): Promise<SoakResult> {
  const server = startProgram('server-program.ts');
  const hostile = startProgram('hostile-program.ts');
  try {
    const { port, securePort } = await server.ask<Ports>();
    await hostile.ask<string>();
    const errors: string[] = [];
    const attacks: Record<string, number> = {};
    const phases = { quiet: [] as Phase[], attacked: [] as Phase[] };
    const round = duration / rounds;
    const warmUp = Math.min(5_000, round / 4);
    let peakRss = 0;

    const runPhase = async (name: string, milliseconds: number): Promise<Phase> => {
      onPhase?.(name);
      const began = await server.ask<Holdings>('holdings');
      const phase = { measurements: new Measurements(WINDOW), load: 0 };
      const good = startGoodClients(port, GOOD_CLIENTS, observe(phase.measurements, errors));
      const from = performance.now();
      await delay(milliseconds);
      const passed = performance.now() - from;
      const ended = await server.ask<Holdings>('holdings');
      await good.stop();
      peakRss = Math.max(peakRss, ended.peakRss);
      return { ...phase, load: (ended.cpu - began.cpu) / passed };
    };
    const runAttack = async (name: string, milliseconds: number): Promise<Phase> => {
      await hostile.ask<string>(`on ${port} ${securePort} ${scale}`);
      const phase = await runPhase(name, milliseconds);
      for (const [kind, lives] of Object.entries(await hostile.ask<Record<string, number>>('off'))) {
        attacks[kind] = (attacks[kind] ?? 0) + lives;
      }
      return phase;
    };

    // Not counted: code and memory of the first use are never freed.
    await runPhase('warm-up', warmUp);
    await runAttack('warm-up under attack', warmUp);
    const before = await settle(server.ask);
    for (let count = 1; count <= rounds; count += 1) {
      phases.quiet.push(await runPhase(`round ${count}: quiet`, (round * QUIET_PART) / 2));
      phases.attacked.push(await runAttack(`round ${count}: under attack`, round * (1 - QUIET_PART)));
      phases.quiet.push(await runPhase(`round ${count}: quiet again`, (round * QUIET_PART) / 2));
    }
    onPhase?.('settling');
    const after = await settle(server.ask);
    return {
      quiet: summariseAll(phases.quiet),
      attacked: summariseAll(phases.attacked),
      errors,
      attacks,
      before,
      after,
      peakRss,
      quietLoad: mean(phases.quiet),
      attackedLoad: mean(phases.attacked),
    };
  } finally {
    await hostile.stop();
    await server.stop();
  }
}

interface Phase {
  readonly measurements: Measurements;
  readonly load: number;
}

function observe(measurements: Measurements, errors: string[]): Observer {
  return {
    onSuccess: (operation, milliseconds) => measurements.add(operation, milliseconds),
    onError: (operation, error) => errors.push(`${operation}: ${error}`),
  };
}

/** Waits until the server holds nothing for clients that have left, and returns its holdings. */
async function settle(ask: (question: string) => Promise<Holdings>): Promise<Holdings> {
  const deadline = performance.now() + SETTLING;
  for (;;) {
    const holdings = await ask('holdings');
    if ((holdings.sockets === 0 && holdings.unfinished === 0) || performance.now() > deadline)
      return holdings;
    await delay(100);
  }
}

function summariseAll(phases: readonly Phase[]): Record<Operation, Summary> {
  const summaryOf = (operation: Operation): Summary =>
    summarise(phases.flatMap(({ measurements }) => measurements.windowsOf(operation)));
  return {
    hello: summaryOf('hello'),
    pipeline: summaryOf('pipeline'),
    upload: summaryOf('upload'),
    download: summaryOf('download'),
  };
}

function mean(phases: readonly Phase[]): number {
  return phases.reduce((sum, { load }) => sum + load, 0) / phases.length;
}
