/** The door of node-internals: node's private parts, and its errors. */

export { captureContext, type InContext } from './async-context.ts';
export { createClientError, findClientError } from './client-error.ts';
export { forgetLength, leaveLengthToNode } from './computed-length.ts';
export { canReset } from './connection-reset.ts';
export { otherEngine } from './engine.ts';
export { hasEndCallbacks, isFinishCallback, NO_CALLBACK } from './finish-callback.ts';
export { flushHead } from './head-flush.ts';
export { type HeaderMap, headerMapOf, isHeaderMap } from './header-map.ts';
export { endsAfterHead, isClosedInOrder, isHttp2Message } from './http2-messages.ts';
export { hasSentContinue, writeRaw } from './interim.ts';
export { kernelQueue } from './kernel-queue.ts';
export { isTlsSocket, lateModule } from './late-modules.ts';
export { latin1Text, TEXT_LIMIT } from './latin1-slice.ts';
export { hasListeners } from './listeners.ts';
export { checkMessageMethods } from './message-methods.ts';
export type { RequestMessage, ResponseMessage, WriteCallback } from './message-types.ts';
export { clearNeedDrain } from './need-drain.ts';
export { isNodeEmit } from './node-emit.ts';
export { checkDuration, connectionReset, nodeError, streamDestroyed } from './node-errors.ts';
export { headersOfLines, madeHeadersOf } from './request-headers.ts';
export {
  closeQuietly,
  endQuietly,
  hasReceivedEnd,
  isBeingRead,
  isHeard,
  isOnlyTouched,
  isPiped,
  optimizeEmpty,
} from './request-state.ts';
export { isServedByNode } from './served-by-node.ts';
export { foreignProperties } from './socket-properties.ts';
export { isNodeSocket, isStandIn, securePrototypeOf, socketPrototype } from './socket-prototype.ts';
export { closeResponse, destroyIfUnused, octetsWritten, responseOn } from './socket-use.ts';
export { areCarriersKnown, carrierOf } from './tls-carrier.ts';
export { hasCertificate } from './tls-server.ts';
export { isUniqueHeader, parseUniqueHeaders, setUniqueHeaders } from './unique-headers.ts';
export { leaveUnread, readInto } from './user-buffer.ts';
