/**
 * The parts of Node that src/gateway uses at run time. An architecture test checks that no other file of src/gateway
 * uses `Buffer`, `process` or `setImmediate`.
 */
import type { AsyncResource } from 'node:async_hooks';
import type { Channel } from 'node:diagnostics_channel';

/** Encodes text as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Decodes UTF-8. Invalid octets become U+FFFD. */
export function decodeUtf8(octets: Uint8Array): string {
  return toBuffer(octets).toString('utf8');
}

/** Converts a native string to octets, one for each code unit. */
export function encodeLatin1(native: string): Uint8Array {
  return Buffer.from(native, 'latin1');
}

/** Converts octets to a native string. `TextDecoder` cannot: its latin1 is windows-1252. */
export function decodeLatin1(octets: Uint8Array): string {
  return toBuffer(octets).toString('latin1');
}

/** Joins pieces into one array. A known length saves the adding up. */
export function joinOctets(pieces: readonly Uint8Array[], length?: number): Uint8Array {
  return Buffer.concat(pieces, length);
}

/** Allocates a Buffer without clearing it. */
export function allocateOctets(size: number): Buffer {
  return Buffer.allocUnsafe(size);
}

/** Gives a Buffer over the same memory, also of a Uint8Array of another realm. */
export function viewOctets(octets: Uint8Array): Uint8Array {
  return toBuffer(octets);
}

/** Calls back in the next turn of the event loop, after sockets and timers. */
export function onNextTurn(callback: () => void): void {
  inNextTurn(callback);
}

// Kept, because tests of applications may put fake timers in its place. Missing outside of Node.
const inNextTurn: (callback: () => void) => unknown = globalThis.setImmediate ?? globalThis.setTimeout;

/** Writes that the operating system has not taken yet. */
let pendingWrites = 0;

/** Writes to the standard error of the process. A reader that has gone does not end the process, as with `console.error`. */
export function writeStandardError(text: string): void {
  const { stderr } = process;
  if (pendingWrites === 0) stderr.on('error', ignore);
  pendingWrites += 1;
  stderr.write(text, (error) => {
    // The event of an error comes after this call.
    if (error !== undefined && error !== null) return;
    pendingWrites -= 1;
    if (pendingWrites === 0) stderr.off('error', ignore);
  });
}

function ignore(): void {}

/** An asynchronous context: what `AsyncLocalStorage` gives in it. */
export type AsyncContext = Pick<AsyncResource, 'runInAsyncScope'>;

// Not imported, so that the gateway loads where there is no such module.
const asyncHooks = globalThis.process?.getBuiltinModule?.('node:async_hooks');

/** Keeps the asynchronous context of now, to call functions in it later. */
export function keepContext(): AsyncContext {
  return asyncHooks === undefined ? HERE : new asyncHooks.AsyncResource('gatebridge');
}

const HERE: AsyncContext = { runInAsyncScope: (call, self, ...values) => Reflect.apply(call, self, values) };

/** A channel of `node:diagnostics_channel`, for those who publish on it. */
export type DiagnosticsChannel = Pick<Channel, 'hasSubscribers' | 'publish' | 'runStores'>;

const diagnostics = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel');

/** Gives the channel with a name. Outside of Node nobody can subscribe to it. */
export function openChannel(name: string): DiagnosticsChannel {
  return diagnostics?.channel(name) ?? UNHEARD;
}

const UNHEARD: DiagnosticsChannel = {
  hasSubscribers: false,
  publish: ignore,
  runStores: (_message, call, self, ...values) => Reflect.apply(call, self, values),
};

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
