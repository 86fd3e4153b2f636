/**
 * The two checkouts of `--against`: this one and another, measured by the programs of this one.
 *
 * The name of a server says which checkout's package it loads, so that rounds, ratios and profiles need not know.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const OF_OTHER = ', other checkout';

/** Names a server that loads the package of the other checkout. */
export function ofOther(server: string): string {
  return `${server}${OF_OTHER}`;
}

/** Splits the name of a server: the contender, and if it loads the package of the other checkout. */
export function readServerName(server: string): { readonly contender: string; readonly isOther: boolean } {
  const isOther = server.endsWith(OF_OTHER);
  return { contender: isOther ? server.slice(0, -OF_OTHER.length) : server, isOther };
}

/** The compiler of a checkout. */
export function compilerOf(checkout: string): string {
  return join(checkout, 'node_modules/typescript/bin/tsc');
}

/**
 * Resolves the path of a checkout.
 *
 * @throws RangeError if it is none, or cannot be compiled
 */
export function findCheckout(path: string): string {
  // The empty path would be this checkout.
  if (path === '') throw new RangeError('Option --against must be a folder');
  const folder = resolve(path);
  if (nameOfPackage(folder) !== 'gatebridge')
    throw new RangeError(`No checkout of gatebridge is at ${folder}`);
  for (const file of [join(folder, 'tsconfig.build.json'), compilerOf(folder)]) {
    if (!existsSync(file)) throw new RangeError(`Checkout cannot be compiled: ${file} is missing`);
  }
  return folder;
}

/** Describes a checkout for the report: its commit, or its folder if git knows none. */
export function describeCheckout(folder: string): string {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : basename(folder);
}

function nameOfPackage(folder: string): unknown {
  try {
    const description: { name?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return description.name;
  } catch {
    return undefined;
  }
}
