/** Reads the settings of a run from arguments, environment and config file. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { isError } from '../errors.ts';
import { parseArguments } from './arguments.ts';
import { loadConfigFile } from './config-file.ts';
import { CommandError } from './exit-codes.ts';
import { resolveSettings, type Settings } from './settings.ts';

/**
 * Reads the settings. The environment of the process stays as it is.
 *
 * @param argv Without node and the script
 * @throws {@link CommandError} if something is wrong
 */
export async function readSettings(argv: readonly string[]): Promise<Settings> {
  const folder = currentFolder();
  const parsed = parseArguments(argv);
  const { config, envFile } = parsed.values;
  const file = await loadConfigFile(typeof config === 'string' ? config : undefined, folder);
  const files = Array.isArray(envFile) ? envFile.map(String) : (file?.config.envFile ?? []);
  const variables = readVariableFiles(files, folder);
  // Variables that are set already win, as in node's own --env-file.
  const environment = { ...variables, ...process.env };
  return resolveSettings({ arguments: parsed, environment, variables, file, folder });
}

/**
 * Gives the current folder by the name that the shell knows. That may be a link which each deployment points to another release:
 * a reload follows it.
 *
 * @throws {@link CommandError} if it was removed while a shell stood in it
 */
export function currentFolder(): string {
  named ??= namedFolder();
  const target = named === undefined ? undefined : targetOf(named);
  const current = physicalFolder();
  if (target !== undefined && target !== current) process.chdir(target);
  const folder = target === undefined ? current : named;
  if (folder !== undefined) return folder;
  throw new CommandError('usage', 'The current folder does not exist any more', {
    cure: 'cd to the application.',
  });
}

let named: string | undefined;

/** The variable of the shell, if it names the current folder (POSIX, cd). */
function namedFolder(): string | undefined {
  const { PWD } = process.env;
  if (PWD === undefined || !isAbsolute(PWD)) return undefined;
  const found = statSync(PWD, { throwIfNoEntry: false });
  const current = statSync('.', { throwIfNoEntry: false });
  const isSame = found !== undefined && found.ino === current?.ino && found.dev === current.dev;
  return isSame ? PWD : undefined;
}

/** Undefined if the link leads nowhere at this moment. */
function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}

function physicalFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * Reads environment files. Of a variable that several set, the last file counts.
 *
 * @throws {@link CommandError} if a file cannot be read
 */
export function readVariableFiles(paths: readonly string[], folder: string): Settings['variables'] {
  return Object.assign({}, ...paths.map((path) => readVariables(resolve(folder, path))));
}

function readVariables(path: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(
      'usage',
      `Environment file ${path} cannot be read: ${isError(error) ? error.message : error}`,
    );
  }
}

/** Sets the variables of environment files, in a process that runs the application. */
export function applyVariables({ variables }: Pick<Settings, 'variables'>): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
}

/**
 * Takes the variables of environment files out of this process. Node 20 reads `--env-file` behind the script too; a supervisor would
 * pass the old values to its workers, in which they would win over a changed file.
 */
export function forgetVariables({ variables }: Pick<Settings, 'variables'>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (process.env[name] === value) delete process.env[name];
  }
}
