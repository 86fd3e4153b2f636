/** Finds and loads the config file. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { isError } from '../errors.ts';
import { checkOption, unknownOptions } from '../gateway/check-options.ts';
import { likelyName } from '../gateway/likely-name.ts';
import { COMMAND_OPTIONS } from './command-options.ts';
import type { Config } from './config.ts';
import { CommandError } from './exit-codes.ts';
import { FLAGS } from './flags.ts';
import { importFile } from './load-module.ts';
import { whileLoading } from './while-loading.ts';

/** The names that are looked for in the current folder, the first one wins. */
const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `gatebridge.config.${extension}`);

/** A loaded config file. */
export interface ConfigFile {
  readonly path: string;
  readonly config: Config;
}

/**
 * Loads the config file.
 *
 * @param named The path that `--config` gives; without it the current folder is searched
 * @returns undefined if there is none
 * @throws {@link CommandError} if it cannot be loaded, or a key or value is wrong
 */
export async function loadConfigFile(
  named: string | undefined,
  folder: string,
): Promise<ConfigFile | undefined> {
  const path = named === undefined ? findIn(folder) : resolve(folder, named);
  if (path === undefined) return undefined;
  if (!existsSync(path)) throw new CommandError('usage', `Config file ${path} does not exist`);
  const config = path.endsWith('.json') ? readJson(path) : await importConfig(path);
  checkConfig(config, path);
  return { path, config };
}

function findIn(folder: string): string | undefined {
  return NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(
      'usage',
      `Config file ${path} is not JSON: ${isError(error) ? error.message : error}`,
    );
  }
}

/** A reload reads the file anew. */
let imports = 0;

async function importConfig(path: string): Promise<unknown> {
  imports += 1;
  const loaded = await importFile(path, 'usage', imports === 1 ? '' : `?${imports}`);
  const value = 'default' in loaded ? loaded.default : { ...loaded };
  try {
    return await whileLoading(basename(path), 'usage', async () =>
      typeof value === 'function' ? value() : value,
    );
  } catch (error) {
    throw new CommandError('usage', `The function of ${basename(path)} failed: ${error}`, { cause: error });
  }
}

/** Checks keys and values by the table of the flags. */
function checkConfig(config: unknown, path: string): asserts config is Config {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new CommandError('usage', `Config file ${path} must export an object`, {
      cure: 'export default defineConfig({ … })',
    });
  }
  const rows = {
    ...Object.fromEntries(Object.entries(FLAGS).filter(([, row]) => row.isFlagOnly !== true)),
    ...MORE,
  };
  for (const name of unknownOptions(config, rows)) {
    const meant = likelyName(name, Object.keys(rows), {});
    const isFlag = Object.hasOwn(COMMAND_OPTIONS, name);
    const cure = isFlag ? 'It is a flag only.' : meant && `Did you mean ${meant}?`;
    throw new CommandError('usage', `Config file ${path} has an unknown key ${name}`, { cure });
  }
  for (const [name, row] of Object.entries(rows)) {
    const value: unknown = Reflect.get(config, name);
    if (value === undefined) continue;
    try {
      checkOption(name, value, row);
    } catch (error) {
      const type: unknown = row.type;
      const isList = (type === 'names' || type === 'lines') && typeof value === 'string';
      throw new CommandError('usage', `Config file ${path}: ${isError(error) ? error.message : error}`, {
        cure: isList ? `Put it into a list: ${name}: [${JSON.stringify(value)}]` : undefined,
      });
    }
  }
}

/** Keys of the file without a flag. */
const MORE = { app: { type: 'text' }, server: { type: 'object' } } as const;
