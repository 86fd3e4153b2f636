/** Decides which responses are compressed, and changes their heads. */
import type { Headers } from '../gateway/headers.ts';
import { chooseCoding } from './accept-encoding.ts';
import { type StartedHead, statusCodeOf } from './started-head.ts';
import { addVary } from './vary.ts';

/** Statuses without content, and 206, whose octets are counted in the content as it is. */
const UNTOUCHED = new Set([204, 205, 206, 304]);

/** Types whose content is text, or as good as text. Images, archives, audio and video are compressed already. */
const COMPRESSIBLE =
  /^(?:text\/.+|[^/]+\/[^/]*\+(?:json|xml|text|yaml)|application\/(?:json|xml|javascript|ecmascript|x-javascript|x-ndjson|ndjson|jsonl|graphql|manifest|rtf|sql|toml|wasm|yaml|x-yaml|x-sh|x-www-form-urlencoded|vnd\.ms-fontobject)|font\/(?:ttf|otf|collection)|image\/(?:bmp|svg\+xml|vnd\.adobe\.photoshop|x-icon|vnd\.microsoft\.icon)|model\/(?:gltf\+json|obj|stl)|multipart\/(?:bag|mixed))$/;

/** Fields that would be wrong for the coded content. A range of it cannot be had (RFC 9110 §14). */
const OF_THE_OCTETS = [
  'Content-Length',
  'Accept-Ranges',
  'Content-MD5',
  'Content-Digest',
  'Repr-Digest',
  'Digest',
];

/** Tells if a media type is worth compressing. */
export function isCompressibleType(contentType: string): boolean {
  const [type = ''] = contentType.split(';', 1);
  return COMPRESSIBLE.test(type.trim().toLowerCase());
}

/** The request, and the settings. */
export interface CompressionOffer {
  readonly acceptEncoding: string | undefined;
  readonly offered: readonly string[];
  readonly threshold: number;
  isCompressible(contentType: string): boolean;
}

/**
 * Chooses the coding of a response. Adds Vary if another client may get another one.
 *
 * @param length Octets of the content, if they are known
 * @returns undefined if the content is to be sent as it is
 */
export function negotiate(
  head: StartedHead,
  length: number | undefined,
  offer: CompressionOffer,
): string | undefined {
  const { headers } = head;
  if (UNTOUCHED.has(statusCodeOf(head)) || !mayTransform(headers)) return undefined;
  if (length !== undefined && !(length >= offer.threshold)) return undefined;
  const type = headers.get('Content-Type', '');
  // A client waits for each event, and some tools that read events decode nothing.
  if (/^\s*text\/event-stream\s*(?:;|$)/i.test(type) || !offer.isCompressible(type)) return undefined;
  addVary(headers, 'Accept-Encoding');
  return chooseCoding(offer.acceptEncoding, offer.offered);
}

function mayTransform(headers: Headers): boolean {
  if (headers.has('Content-Range')) return false;
  const coding = headers.get('Content-Encoding', 'identity').trim().toLowerCase();
  if (coding !== 'identity' && coding !== '') return false;
  return !/\bno-transform\b/i.test(headers.getAll('Cache-Control').join(','));
}

/** Makes the head that of coded content. */
export function declareCoding({ headers }: StartedHead, coding: string): void {
  headers.set('Content-Encoding', coding);
  for (const name of OF_THE_OCTETS) headers.delete(name);
  weaken(headers);
}

/** The octets are others, the meaning is the same (RFC 9110 §8.8.1). */
function weaken(headers: Headers): void {
  const tag = headers.get('ETag');
  if (tag?.startsWith('"')) headers.set('ETag', `W/${tag}`);
}

/**
 * Gives a 304 the Vary that the 200 has (RFC 9110 §15.4.5), and the weak ETag that the client has: a cache updates a stored response
 * only if a strong one is the same (RFC 9111 §4.3.4). Of what type the 200 is, a 304 does not tell.
 */
export function weakenUnchanged(head: StartedHead, ifNoneMatch: string | undefined): void {
  const { headers } = head;
  if (statusCodeOf(head) !== 304 || !mayTransform(headers)) return;
  const tag = headers.get('ETag');
  if (tag === undefined && !headers.has('Last-Modified')) return;
  addVary(headers, 'Accept-Encoding');
  if (tag?.startsWith('"') && ifNoneMatch?.includes(`W/${tag}`)) weaken(headers);
}

/** Gives the declared length of the content. */
export function declaredLength(headers: Headers): number | undefined {
  const value = headers.get('Content-Length', '').trim();
  return /^[0-9]+$/.test(value) ? Number(value) : undefined;
}
