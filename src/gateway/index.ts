/** The door of the gateway for bridges. */
export { NameMemory } from './name-memory.ts';
