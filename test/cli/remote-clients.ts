/** Clients on another machine: load-program.ts runs them there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Place } from './load-clients.ts';

const PROGRAM = join(import.meta.dirname, 'load-program.ts');
const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/loader.mjs');

/** The counts so far. */
interface Counts {
  readonly served: number;
  readonly failures: readonly string[];
}

/** Asks with several clients at once, as LoadClients does. */
export class RemoteClients {
  counts: Counts = { served: 0, failures: [] };
  readonly #seen = new Set<string>();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /**
   * @param within The words that run a program there
   * @param place Where to ask, as seen from there
   * @param count Number of clients
   */
  constructor(within: readonly string[], place: Place, count: number) {
    const [program = '', ...words] = [...within, process.execPath, '--import', TSX, PROGRAM];
    const child = spawn(program, [...words, JSON.stringify(place), String(count)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', (line) => {
      // The program beside this file writes it.
      const { contents, ...counts } = JSON.parse(line) as Counts & { readonly contents: readonly string[] };
      for (const content of contents) this.#seen.add(content);
      this.counts = counts;
    });
    this.#child = child;
    this.#ended = once(child, 'close');
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
  }

  /** Waits until so many more requests were served. */
  async served(count: number): Promise<void> {
    const target = this.counts.served + count;
    await this.#until(() => this.counts.served >= target);
  }

  /** Waits for an answer that comes from now on. */
  async sees(content: string): Promise<void> {
    this.#seen.delete(content);
    await this.#until(() => this.#seen.has(content));
  }

  /** Lets each client take its answer, and gives the last counts. */
  async stop(): Promise<Counts> {
    this.#child.stdin?.end();
    await this.#ended;
    return this.counts;
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      if (this.#child.exitCode !== null) throw new Error('The clients have ended');
      await delay(10);
    }
  }
}
