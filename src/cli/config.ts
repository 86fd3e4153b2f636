/** The config file, as its author writes it. */
import type { OptionsOf } from '../gateway/option-table.ts';
import type { ServerOptions } from '../server/index.ts';
import type { COMMAND_OPTIONS } from './command-options.ts';
import type { FLAGS_OF_SERVER } from './flags.ts';

type FlagOnly = 'config' | 'check' | 'printConfig' | 'help' | 'helpAll' | 'version';

/**
 * The contents of a config file. A key is a flag in camel case: `maxRequests` is `--max-requests`. Times are milliseconds, sizes
 * are octets.
 */
export interface Config
  extends OptionsOf<Omit<typeof COMMAND_OPTIONS, FlagOnly>>,
    OptionsOf<typeof FLAGS_OF_SERVER> {
  /** The module of the application, and its export: `./app.ts:app`. */
  readonly app?: string | undefined;
  /** Options of `createServer` that no flag can set, such as `tls` and `shouldUpgradeCallback`. */
  readonly server?: ServerOptions | undefined;
}

/**
 * Gives a config as it is. For editors, which then know its keys and their types.
 *
 * @param config The default export of `gatebridge.config.ts`, `.js` or `.mjs`
 * @returns the same object
 * @example
 * const config = defineConfig({ app: './app.ts:app', workers: 2, bind: ['127.0.0.1:8124'] });
 */
export function defineConfig(config: Config): Config {
  return config;
}
