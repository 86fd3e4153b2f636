/** Reads the settings of a run from arguments, environment and config file. */

import { resolve } from 'node:path';
import { loadEnvFile } from 'node:process';
import { isError } from '../errors.ts';
import { parseArguments } from './arguments.ts';
import { loadConfigFile } from './config-file.ts';
import { CommandError } from './exit-codes.ts';
import { resolveSettings, type Settings } from './settings.ts';

/**
 * Reads the settings.
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
  for (const path of files) readEnvironment(resolve(folder, path));
  return resolveSettings({ arguments: parsed, environment: process.env, file, folder });
}

/** Variables that are set already win, as in node's own --env-file. */
function readEnvironment(path: string): void {
  try {
    loadEnvFile(path);
  } catch (error) {
    throw new CommandError(
      'usage',
      `Environment file ${path} cannot be read: ${isError(error) ? error.message : error}`,
    );
  }
}
