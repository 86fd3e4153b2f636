/** Entry `gatebridge/config`: the type of the config file of the command. */
export { type Config, defineConfig } from './config.ts';
