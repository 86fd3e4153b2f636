/**
 * The runtimes beside Node that run servers of the benchmark: Bun and Deno, as `npm ci --prefix test/engines` installs them.
 *
 * The name of a server says which runtime runs it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ENGINES, type Engine } from '../test/engines/engines.ts';
import type { Work } from './work.ts';

const NAME = /^(Bun|Deno)\.serve$|on (Bun|Deno)$/;

/** Finds the runtime of a server; undefined for Node. */
export function engineOf(server: string): Engine | undefined {
  const [, own, hosting] = NAME.exec(server) ?? [];
  return ENGINES.find(({ name }) => name === (own ?? hosting));
}

/** Leaves servers out whose runtime is not installed, and their bars; says so for each runtime. */
export function withoutMissing(works: readonly Work[], say: (text: string) => void): Work[] {
  const missing = ENGINES.filter(({ program }) => !existsSync(program));
  for (const { name } of missing) say(`SKIPPED: ${name} is not installed: npm ci --prefix test/engines`);
  const isThere = (server: string): boolean => !missing.some((engine) => engine === engineOf(server));
  return works.map((work) => ({
    ...work,
    servers: work.servers.filter(isThere),
    bars: work.bars.filter(({ against }) => against === undefined || isThere(against)),
  }));
}

/** Describes the runtimes of some servers for the report, such as `Bun 1.4.5`. */
export function describeEngines(servers: readonly string[]): string[] {
  const used = ENGINES.filter((engine) => servers.some((server) => engineOf(server) === engine));
  return used.map(({ name, program }) => {
    const [version = ''] =
      /\d+\.\d+\.\d+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
    return `${name} ${version}`;
  });
}
