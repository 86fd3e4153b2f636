/** The program of `fromCgi`: how to start it, and why it could not be started. */
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isError } from '../../src/gateway/index.ts';
import { decodeNative, encodeNative, UpstreamError } from '../../src/index.ts';
import type { MetaVariables } from '../_cgi/meta-variables.ts';

/** A program: a path or a `file:` URL, or a list with arguments behind it, as in `['/usr/bin/perl', 'old.pl']`. */
export type CgiProgram = string | URL | readonly [program: string | URL, ...args: string[]];

/** A program, ready to be started. */
export interface Command {
  /** A path, or a name that is looked for in PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The last segment of the path, for errors and the log. */
  readonly name: string;
  /** The script, if it is known: of an interpreter with arguments it is not. */
  readonly script: string | undefined;
}

/** Octets of a file that are looked at. */
const PEEK = 256;

/**
 * Reads the first argument of `fromCgi`.
 *
 * @param cwd The folder to run it in. @default that of the program (RFC 3875 §7.2)
 * @throws TypeError if it is no program
 */
export function toCommand(program: CgiProgram, cwd: string | undefined): Command {
  const list: readonly unknown[] = Array.isArray(program) ? program : [program];
  const [first, ...args] = list;
  const path = first instanceof URL && first.protocol === 'file:' ? fileURLToPath(first) : first;
  const isText = (part: unknown): part is string => typeof part === 'string' && !part.includes('\0');
  if (!isText(path) || path === '' || !args.every(isText))
    throw new TypeError(
      "Program must be a path such as './hello.cgi', a file: URL, or a list of it and its arguments",
    );
  // Without a slash it is a name for PATH, as in a shell.
  const isPath = path.includes('/') || process.platform === 'win32';
  const file = isPath ? resolve(path) : path;
  return {
    file,
    args,
    cwd: resolve(cwd ?? (isPath ? dirname(file) : '.')),
    name: basename(file),
    script: isPath && !Array.isArray(program) ? file : undefined,
  };
}

/**
 * Checks that the system would run a file as a program.
 *
 * A script without `#!` is not refused by the system: the C library has /bin/sh run it, in whatever language it is.
 *
 * @throws {@link UpstreamError} 502 if not
 */
export async function checkProgram({ file }: Command): Promise<void> {
  if (!file.includes('/')) return;
  const octets = await peek(file);
  if (octets === undefined || octets.length === 0) return;
  if (octets.toString('latin1', 0, 2) === '#!' || octets.includes(0)) return;
  throw unavailable(file, 'has no #! line at its beginning, and is no binary');
}

/** Makes the error of a program that could not be started. */
export async function startFailure({ file, cwd }: Command, cause: unknown): Promise<UpstreamError> {
  // Node's types of errors do not tell which have a code.
  const code = isError(cause) ? String((cause as NodeJS.ErrnoException).code) : '';
  if (!(await isFolder(cwd))) return unavailable(file, `cannot run in the folder ${cwd}: there is none`);
  if (code === 'ENOENT' && !file.includes('/'))
    return unavailable(file, 'is not in PATH (a file in this folder is ./name)');
  if (code === 'ENOENT') {
    const interpreter = /^#![ \t]*([^\s]+)/.exec((await peek(file))?.toString('latin1') ?? '')?.[1];
    const fault =
      interpreter === undefined
        ? 'does not exist'
        : `has the interpreter ${interpreter}, which does not exist`;
    return unavailable(file, fault);
  }
  if (code === 'EACCES') {
    const fault = (await isFolder(file)) ? 'is a folder' : 'is not executable (chmod +x)';
    return unavailable(file, (await mayExecute(file)) ? 'cannot be executed' : fault);
  }
  if (code === 'E2BIG') return unavailable(file, 'got fields larger than an environment may be');
  return unavailable(file, `cannot be started: ${code}`);
}

function unavailable(name: string, fault: string): UpstreamError {
  return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', `${name} ${fault}`);
}

async function peek(file: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(PEEK), 0, PEEK, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    // A program may be executable and not readable.
    return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function mayExecute(path: string): Promise<boolean> {
  const isFile = stat(path).then((stats) => stats.isFile());
  return Promise.all([isFile, access(path, constants.X_OK)]).then(
    ([is]) => is,
    () => false,
  );
}

/** A command line and an environment, as node takes them. */
export interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes the command line that gives a program its variables, octet by octet.
 *
 * Node encodes an environment as UTF-8. Octets that are not UTF-8, as in paths of old sites, are set by a shell, which then
 * becomes the program.
 */
export function invoke(
  { file, args }: Command,
  base: Readonly<Record<string, string>>,
  variables: MetaVariables,
): Invocation {
  const env: Record<string, string> = { ...base };
  const assignments: string[] = [];
  for (const [name, native] of variables) {
    const text = decodeNative(native);
    if (encodeNative(text) === native) {
      env[name] = text;
      continue;
    }
    // The x keeps line ends at the end of the value.
    assignments.push(`${name}=$(printf %b '${inOctal(native)}x'); ${name}=\${${name}%x}; export ${name}`);
    delete env[name];
  }
  if (assignments.length === 0) return { file, args, env };
  return {
    file: '/bin/sh',
    args: ['-c', [...assignments, 'exec "$@"'].join('\n'), 'sh', file, ...args],
    env,
  };
}

function inOctal(native: string): string {
  return [...native].map((octet) => `\\0${octet.charCodeAt(0).toString(8).padStart(3, '0')}`).join('');
}
