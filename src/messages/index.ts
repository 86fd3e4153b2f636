/**
 * The front door of messages: node's request and response over the gateway interface.
 */
export { createClientError } from './client-error.ts';
export { canReset } from './connection-reset.ts';
export { messageConstructors } from './message-constructors.ts';
export { madeOf } from './native-listener.ts';
export type { RequestMessage, ResponseMessage } from './node-internals.ts';
export { listenerOf, serveEvent } from './serve-event.ts';
export { type ListenerOptions, serveListener } from './serve-listener.ts';
export { connectionSocket, tellTimeout } from './socket-registry.ts';
export { createTakeoverRequest, createUnansweredRequest } from './takeover-request.ts';
