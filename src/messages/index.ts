/** The front door of messages: node's request and response over the gateway interface. */
export { areRequestsHeard } from './diagnostics.ts';
export { LISTENER_OPTIONS, type ListenerOptions } from './listener-options.ts';
export { type MessageConstructors, messageConstructors } from './message-constructors.ts';
export { emitRequests, type ProgramServer, serveUpgrade } from './program-server.ts';
export { createTakeoverRequest, createUnansweredRequest } from './request/takeover-request.ts';
export { listenerOf, serveEvent } from './serve-event.ts';
export { refuseListenersCall, serveListener } from './serve-listener.ts';
export { type ServerMessageOptions, serverMessages } from './server-messages.ts';
export {
  connectionSocket,
  hasStandIn,
  hostSocketBelow,
  reportedSocket,
  tellError,
  tellTimeout,
} from './socket/socket-registry.ts';
export { wrapListener } from './wrapped-listeners.ts';
