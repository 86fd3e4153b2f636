/**
 * Lets node work out the length of content that it gets in one piece: `_contentLength`, set by `end()`, and
 * `_removedContLen`, set when a program removes Content-Length (since Node 1; checked on 20 to 26).
 *
 * Without the shortcut Content-Length is set like any field, and stands before node's own fields, not behind.
 */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import { shortcut } from './shortcuts.ts';

interface ResponseWithLength extends ServerResponse {
  _contentLength?: number | null;
  readonly _removedContLen?: boolean;
}

const isKnown = shortcut('_contentLength and _removedContLen', () => {
  const probe = new OutgoingMessage();
  return '_contentLength' in probe && '_removedContLen' in probe ? true : undefined;
});

/**
 * Lets node add Content-Length to a head, if it does so by itself.
 *
 * @param response Its head is not settled
 * @param length Octets
 * @returns false if the caller must add the field: node adds none to HTTP/1.0
 */
export function leaveLengthToNode(response: ResponseWithLength, length: number): boolean {
  const adds = isKnown === true && response.useChunkedEncodingByDefault && response._removedContLen === false;
  if (adds) response._contentLength = length;
  return adds;
}

/** Forgets the length, for a head that was not written. */
export function forgetLength(response: ResponseWithLength): void {
  if (isKnown === true) response._contentLength = null;
}
