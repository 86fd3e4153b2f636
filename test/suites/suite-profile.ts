/**
 * The known suites and how each is run, and defaults for suites that are not in the table.
 *
 * Rule 1: a suite runs as its project runs it, except for reporters, coverage and `--bail`.
 * Rule 2: files are selected only where some are not about HTTP; no figure counts files that do not run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the suite of one package is run. */
export interface SuiteProfile {
  readonly runner: 'mocha' | 'node';
  /** Folders of tests, relative to the checkout, and which files in them. Nested folders need `deep`. */
  readonly folders: readonly string[];
  readonly pattern: RegExp;
  readonly deep?: boolean;
  /** Arguments of the runner. */
  readonly options?: readonly string[];
  /** The name of a list in the folder `files`; only its files run. */
  readonly list?: string;
  /** Each file runs in its own process; `limit` is the seconds that a process may take. */
  readonly isolated?: boolean;
  readonly limit: number;
  /** Fastify: `inject()` goes over a socket. */
  readonly inject?: 'wire';
}

const MOCHA: SuiteProfile = { runner: 'mocha', folders: ['test'], pattern: /\.[cm]?js$/, limit: 300 };
const NODE_TEST: SuiteProfile = {
  runner: 'node',
  folders: ['test', '__tests__'],
  pattern: /\.test\.[cm]?js$/,
  deep: true,
  isolated: true,
  limit: 20,
};

const PROFILES: Readonly<Record<string, SuiteProfile>> = {
  express: {
    ...MOCHA,
    folders: ['test', 'test/acceptance'],
    options: ['--require', './test/support/env'],
  },
  fastify: { ...NODE_TEST, folders: ['test'], list: 'fastify.json', inject: 'wire', limit: 40 },
  ws: { ...MOCHA, pattern: /\.test\.js$/, options: ['--timeout', '5000'] },
  'socket.io': { ...MOCHA, pattern: /^index\.ts$/, options: ['--import=tsx', '--timeout', '10000'] },
  'engine.io': { ...MOCHA, pattern: /^(?:engine\.io|middlewares|parser|server)\.js$/ },
  supertest: { ...MOCHA, options: ['--require', 'should'] },
  connect: { ...MOCHA, options: ['--require', './test/support/env'] },
  'express-session': { ...MOCHA, options: ['--require', './test/support/env'] },
  stoppable: { ...MOCHA, pattern: /\.test\.js$/ },
  '@godaddy/terminus': { ...MOCHA, folders: ['.', 'lib'], pattern: /\.spec\.js$/ },
  'http-graceful-shutdown': { ...NODE_TEST, pattern: /^test\.js$/ },
};

/** The package of a checkout and how its suite is run. */
export interface Suite {
  readonly name: string;
  readonly version: string;
  readonly profile: SuiteProfile;
}

/**
 * Finds the package of a checkout, and how its suite is run.
 *
 * @param folder A checkout with its dependencies installed
 * @param framework The name of a suite in the table, instead of that of the package
 * @throws TypeError if neither the table nor its test script tells the runner
 */
export function detectSuite(folder: string, framework?: string): Suite {
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const name = framework ?? manifest.name;
  const profile = PROFILES[name] ?? guessProfile(manifest.scripts?.test ?? '');
  if (profile === undefined) {
    throw new TypeError(
      `No suite is known by the name ${name}, and its package.json runs neither mocha nor node --test`,
    );
  }
  return { name, version: manifest.version, profile };
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts?: Readonly<Record<string, string>>;
}

function guessProfile(script: string): SuiteProfile | undefined {
  if (/\bmocha\b/.test(script)) return MOCHA;
  if (/\bnode --test\b/.test(script)) return NODE_TEST;
  return undefined;
}
