/**
 * The parts of Node that src/gateway uses at run time: octets and text, the next turn of the event loop, standard error.
 *
 * Nothing else in this room uses `Buffer`, `process` or `setImmediate`; an architecture test holds that.
 */

/** Makes octets of text, in UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Reads octets as UTF-8. Octets that are not UTF-8 become U+FFFD. */
export function decodeUtf8(octets: Uint8Array): string {
  return toBuffer(octets).toString('utf8');
}

/** Makes octets of a native string, one for each code unit. */
export function encodeLatin1(native: string): Uint8Array {
  return Buffer.from(native, 'latin1');
}

/** Makes a native string of octets. `TextDecoder` cannot: its latin1 is windows-1252. */
export function decodeLatin1(octets: Uint8Array): string {
  return toBuffer(octets).toString('latin1');
}

/** Joins octets to one array of the given length. */
export function joinOctets(pieces: readonly Uint8Array[], length: number): Uint8Array {
  return Buffer.concat(pieces, length);
}

/** Gives a Buffer whose octets have no values yet. */
export function allocateOctets(size: number): Buffer {
  return Buffer.allocUnsafe(size);
}

/** Calls back in the next turn of the event loop, after sockets and timers have had theirs. */
export function onNextTurn(callback: () => void): void {
  setImmediate(callback);
}

/** Writes to the standard error of the process. */
export function writeStandardError(text: string): void {
  process.stderr.write(text);
}

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
