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
  const folder = process.cwd();
  const parsed = parseArguments(argv);
  const { config, envFile } = parsed.values;
  const file = await loadConfigFile(typeof config === 'string' ? config : undefined, folder);
  const files = Array.isArray(envFile) ? envFile.map(String) : (file?.config.envFile ?? []);
  const variables = Object.assign({}, ...files.map((path) => readVariables(resolve(folder, path))));
  // Variables that are set already win, as in node's own --env-file.
  const environment = { ...variables, ...process.env };
  return resolveSettings({ arguments: parsed, environment, variables, file, folder });
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
