/** The door of node-internals: what we know of Node's private parts and of its errors. */
export { createClientError } from './client-error.ts';
export { canReset } from './connection-reset.ts';
export type { RequestMessage, ResponseMessage } from './message-types.ts';
