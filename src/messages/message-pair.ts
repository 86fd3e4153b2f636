/**
 * Makes node's request and response from an environ, as node's server would make them for the same request.
 *
 * Nothing here sends or reads.
 */

import { saysClose, saysKeepAlive } from '../gateway/headers.ts';
import { rememberEnviron } from '../gateway/message-environ.ts';
import {
  checkMessageMethods,
  optimizeEmpty,
  type RequestMessage,
  type ResponseMessage,
} from '../node-internals/index.ts';
import type { Environ } from '../wsgi.ts';
import type { MessageConstructors } from './message-constructors.ts';
import { rawHeaders } from './request/request-fields.ts';
import { requestUrl } from './request/request-target.ts';
import type { MessageSocket } from './socket/message-socket.ts';

/**
 * Makes the request.
 *
 * @param constructors They decide the prototype
 * @param socket Stands in for its socket
 */
export function createRequest(
  environ: Environ,
  constructors: MessageConstructors,
  socket: MessageSocket,
): RequestMessage {
  checkMessageMethods();
  const request = new constructors.Request(socket);
  const version = environ.SERVER_PROTOCOL;
  if (version === 'HTTP/1.1') {
    request.httpVersionMajor = 1;
    request.httpVersionMinor = 1;
    request.httpVersion = '1.1';
  } else {
    const [major = '', minor = '0'] = version.slice('HTTP/'.length).split('.', 2);
    request.httpVersionMajor = Number(major);
    request.httpVersionMinor = Number(minor);
    request.httpVersion = `${major}.${minor}`;
  }
  rememberEnviron(request, environ);
  request.url = requestUrl(environ);
  request.method = environ.REQUEST_METHOD;
  request.upgrade = false;
  const lines = rawHeaders(environ);
  request._addHeaderLines(lines, lines.length);
  if (constructors.optimizesEmptyRequests) optimizeEmpty(request);
  return request;
}

/**
 * Makes the response to a request.
 *
 * @param constructors They decide the prototype
 */
export function createResponse(
  environ: Environ,
  constructors: MessageConstructors,
  request: RequestMessage,
): ResponseMessage {
  const response = new constructors.Response(request);
  response.shouldKeepAlive = isPersistent(environ);
  // node's constructor treats every version whose second number is 0 as HTTP/1.0.
  if (request.httpVersionMajor > 1) response.useChunkedEncodingByDefault = true;
  return response;
}

/** Tells if the client lets the connection go on (RFC 9112 §9.3). */
function isPersistent(environ: Environ): boolean {
  const connection = environ.HTTP_CONNECTION;
  if (environ.SERVER_PROTOCOL === 'HTTP/1.0')
    return typeof connection === 'string' && saysKeepAlive(connection);
  return typeof connection !== 'string' || connection === 'keep-alive' || !saysClose(connection);
}
