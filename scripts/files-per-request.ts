/**
 * Counts the source files of gatebridge that run for one request: `npx tsx scripts/files-per-request.ts`.
 *
 * A file counts if V8 counts a call of one of its functions during the request. The top level of a module is no call.
 * Each path is measured in its own process, on the compiled package, which has one module for each source file.
 * A request follows others on the same connection and has a new target. With `--connection` each request has its own
 * connection, whose start and end count too. A file must run for each of ten requests, which excludes files that only
 * a timer runs. A CGI program serves one request, counted from the call of runCgi.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const PATHS = [
  ...['standalone server', 'toNode', 'toExpress', 'toFastify'],
  ...['fromNode', 'fromExpress', 'fromFastify', 'runCgi'],
] as const;

/** The name of a measured path. */
export type PathName = (typeof PATHS)[number];

/** Source files, as paths from the root of the project. */
export interface FilesFound {
  readonly run: readonly string[];
  readonly loaded: readonly string[];
}

const USAGE = `npx tsx scripts/files-per-request.ts [options]
  --list           the files of each path, by folder
  --connection     counts the start and the end of the connection too
  --root FOLDER    another checkout of the project`;

const HERE = import.meta.dirname;
const PROGRAM = 'files-per-request-program';
const TSC = 'node_modules/typescript/bin/tsc';
/** The request of runCgi (RFC 3875 §4.1). */
const CGI_VARIABLES = {
  ...{
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: '80',
  },
  ...{ REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: '/', QUERY_STRING: '', REMOTE_ADDR: '127.0.0.1' },
};

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    connection: { type: 'boolean', default: false },
    root: { type: 'string', default: join(HERE, '..') },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else await report(resolve(values.root));

async function report(root: string): Promise<void> {
  // Inside node_modules, so that the package and the program resolve the frameworks of that checkout.
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'gatebridge-files-'));
  try {
    compile(root, folder);
    const found = new Map<PathName, FilesFound>();
    for (const name of PATHS) found.set(name, await measure(folder, name));
    console.log(formatTable(found));
    if (!values.list) return;
    for (const [name, { run }] of found) console.log(`\n${formatList(name, run)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles the package into the layout in which it is published, and the program beside it. */
function compile(root: string, folder: string): void {
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  runCompiler(join(root, TSC), [
    ...['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')],
    ...['--declaration', 'false', '--isolatedDeclarations', 'false'],
  ]);
  runCompiler(join(HERE, '..', TSC), [
    ...[join(HERE, `${PROGRAM}.ts`), '--rootDir', HERE, '--outDir', folder, '--ignoreConfig', '--noResolve'],
    ...['--module', 'nodenext', '--target', 'es2023', '--verbatimModuleSyntax'],
  ]);
}

/** Runs tsc without type checks, which `npm run check` does. */
function runCompiler(compiler: string, args: readonly string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [compiler, '--noCheck', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Sources do not compile\n${stdout}`);
}

async function measure(folder: string, name: PathName): Promise<FilesFound> {
  const child = fork(join(folder, `${PROGRAM}.js`), [name, String(values.connection)], {
    // The child must not use the loader that runs this file.
    execArgv: [],
    env: { ...process.env, ...CGI_VARIABLES },
    // Standard output is ignored: it is the response of runCgi.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`Program of ${name} has ended with ${code}`);
  });
  // The program sends one message, of this type.
  const [found] = (await Promise.race([once(child, 'message'), ended])) as [FilesFound];
  return found;
}

function formatTable(found: ReadonlyMap<PathName, FilesFound>): string {
  const rows = [...found].map(([name, { run, loaded }]) => `| ${name} | ${run.length} | ${loaded.length} |`);
  return ['| path | files run | files loaded |', '| --- | --: | --: |', ...rows].join('\n');
}

function formatList(name: PathName, files: readonly string[]): string {
  const folders = new Map<string, string[]>();
  for (const path of files.toSorted()) {
    const folder = posix.dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), posix.basename(path, '.ts')]);
  }
  const lines = [...folders].map(([folder, names]) => `- ${folder}/ (${names.length}): ${names.join(', ')}`);
  return [`${name}: ${files.length} files`, '', ...lines].join('\n');
}
