/** Reads the settings of a run from arguments, environment and config file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
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

/** Gives the current folder, unless it was removed while a shell stood in it. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new CommandError('usage', 'The current folder does not exist any more', {
      cure: 'cd to the application.',
    });
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
