/**
 * Shows an extended CONNECT (RFC 8441) as the upgrade of HTTP/1.1 that means the same, so that programs which know only that one,
 * and their routes for GET, serve it.
 */
import { lateModule } from '../../node-internals/index.ts';
import type { StreamRequest } from './stream-request.ts';

/** Octets of a Sec-WebSocket-Key (RFC 6455 §4.1). Over HTTP/2 nobody sends one, or looks at the answer to it. */
const KEY_LENGTH = 16;

/** Gives the upgrade; the request itself if it is no extended CONNECT. */
export function asUpgrade(request: StreamRequest): StreamRequest {
  const { protocol } = request;
  if (request.method !== 'CONNECT' || protocol === undefined) return request;
  const rawHeaders = [...request.rawHeaders, 'connection', 'Upgrade', 'upgrade', protocol];
  if (protocol === 'websocket' && !hasField(rawHeaders, 'sec-websocket-key'))
    rawHeaders.push(
      'sec-websocket-key',
      lateModule('node:crypto').randomBytes(KEY_LENGTH).toString('base64'),
    );
  return { ...request, method: 'GET', rawHeaders };
}

function hasField(rawHeaders: readonly string[], wanted: string): boolean {
  return rawHeaders.some((name, index) => index % 2 === 0 && name === wanted);
}
