/**
 * The length that node works out for content that it is given in one piece: `_contentLength`, set by `end()`, and
 * `_removedContLen`, set when a program removes Content-Length (since Node 1; checked on 20 to 26).
 *
 * Without the shortcut Content-Length is a field like any other, and stands before node's own fields instead of behind.
 */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import { shortcut } from './shortcuts.ts';

interface ResponseWithLength extends ServerResponse {
  _contentLength?: number | null;
  readonly _removedContLen?: boolean;
}

const isKnown = shortcut(() => {
  const probe = new OutgoingMessage();
  return '_contentLength' in probe && '_removedContLen' in probe ? true : undefined;
});

/**
 * Lets node add Content-Length to a head, where it does so by itself.
 *
 * @param response A response whose head is not settled
 * @param length Octets
 * @returns false if the caller has to add the field: to HTTP/1.0 node adds none
 */
export function leaveLengthToNode(response: ResponseWithLength, length: number): boolean {
  const adds = isKnown === true && response.useChunkedEncodingByDefault && response._removedContLen === false;
  if (adds) response._contentLength = length;
  return adds;
}

/** Takes the length back, for a head that was not written. */
export function forgetLength(response: ResponseWithLength): void {
  if (isKnown === true) response._contentLength = null;
}
