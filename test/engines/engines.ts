/** The runtimes beside node, and how each runs audits. `npm ci --prefix test/engines` installs them. */
import { join } from 'node:path';

/** A runtime that runs `audit-program.ts` itself. */
export interface Engine {
  readonly name: 'Bun' | 'Deno';
  /** The path of its binary. */
  readonly program: string;
  /** Arguments before those of a program. */
  readonly run: readonly string[];
}

const MODULES = join(import.meta.dirname, 'node_modules');

/** Bun and Deno. */
export const ENGINES: readonly Engine[] = [
  { name: 'Bun', program: join(MODULES, '@oven/bun-linux-x64/bin/bun'), run: ['run'] },
  {
    name: 'Deno',
    program: join(MODULES, '@deno/linux-x64-glibc/deno'),
    run: ['run', '-A', '--no-lock', '--no-check', '--node-modules-dir=manual'],
  },
];

/** The runtime of Cloudflare Workers. */
export const WORKERD: string = join(MODULES, '@cloudflare/workerd-linux-64/bin/workerd');
