/**
 * Values of fields between native strings and the strings of the runtime.
 *
 * The Fetch API has one code unit for each octet, as native strings do. Some runtimes decode and encode fields as UTF-8
 * instead (workerd): there a native string is converted, and octets that are not UTF-8 are lost.
 */
import { decodeNative, encodeNative } from '../../src/index.ts';

const IS_UTF_8: boolean = takesText();

/** A value that is no ByteString throws where the Fetch API is obeyed. */
function takesText(): boolean {
  try {
    return new Headers([['x', '\u03c0']]).get('x') === '\u03c0';
  } catch {
    return false;
  }
}

/** Gives the native string of a value that was received. */
export function receiveField(value: string): string {
  if (ASCII.test(value)) return value;
  return IS_UTF_8 || ABOVE_OCTET.test(value) ? encodeNative(value) : value;
}

/** Gives the value to send for a native string. What is no UTF-8 is sent as the characters of ISO 8859-1. */
export function sendField(native: string): string {
  if (!IS_UTF_8 || ASCII.test(native)) return native;
  const text = decodeNative(native);
  return text.includes('\ufffd') ? native : text;
}

const ASCII = /^[\0-\x7f]*$/;
const ABOVE_OCTET = /[^\0-\xff]/;
