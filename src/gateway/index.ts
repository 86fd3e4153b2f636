/** The door of the gateway for bridges. */
export { checkOptions } from './check-options.ts';
export { NameMemory } from './name-memory.ts';
export type { OptionsOf } from './option-table.ts';
