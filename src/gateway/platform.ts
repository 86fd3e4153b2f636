/**
 * The parts of the runtime that src/gateway uses. An architecture test checks that no other file of src/gateway uses
 * `Buffer`, `process` or `setImmediate`.
 *
 * All of it works where there is nothing of node, as in workers of a browser or of an edge network. Where there is a
 * Buffer, octets are Buffers, because applications for node may use their methods.
 */
import type { AsyncResource } from 'node:async_hooks';
import type { Channel } from 'node:diagnostics_channel';

// The types are those of node, which has all of them.
const { Buffer: NodeBuffer, process: host } = globalThis as Partial<typeof globalThis>;

/** Encodes text as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return NodeBuffer === undefined ? utf8Encoder.encode(text) : NodeBuffer.from(text, 'utf8');
}

/** Decodes UTF-8. Invalid octets become U+FFFD. */
export function decodeUtf8(octets: Uint8Array): string {
  return NodeBuffer === undefined
    ? utf8Decoder.decode(octets)
    : toBuffer(NodeBuffer, octets).toString('utf8');
}

const utf8Encoder = new TextEncoder();
// As Buffer does, it keeps a byte order mark.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Converts a native string to octets, one for each code unit. */
export function encodeLatin1(native: string): Uint8Array {
  if (NodeBuffer !== undefined) return NodeBuffer.from(native, 'latin1');
  const octets = new Uint8Array(native.length);
  for (let index = 0; index < native.length; index += 1) octets[index] = native.charCodeAt(index);
  return octets;
}

/** Converts octets to a native string. `TextDecoder` cannot: its latin1 is windows-1252. */
export function decodeLatin1(octets: Uint8Array): string {
  if (NodeBuffer !== undefined) return toBuffer(NodeBuffer, octets).toString('latin1');
  let native = '';
  for (let start = 0; start < octets.length; start += MAX_ARGUMENTS)
    native += String.fromCharCode(...octets.subarray(start, start + MAX_ARGUMENTS));
  return native;
}

/** Engines limit the number of arguments; the least limit is that of JavaScriptCore. */
const MAX_ARGUMENTS = 8192;

/** Joins pieces into one array. A known length saves the adding up. */
export function joinOctets(pieces: readonly Uint8Array[], length?: number): Uint8Array {
  if (NodeBuffer !== undefined) return NodeBuffer.concat(pieces, length);
  const joined = new Uint8Array(length ?? pieces.reduce((sum, piece) => sum + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    joined.set(piece.subarray(0, joined.length - end), end);
    end = Math.min(end + piece.length, joined.length);
  }
  return joined;
}

/** Allocates octets, a Buffer that is not cleared if there are Buffers. */
export function allocateOctets(size: number): Uint8Array {
  return NodeBuffer === undefined ? new Uint8Array(size) : NodeBuffer.allocUnsafe(size);
}

/** Tells if two arrays have the same octets. */
export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  if (NodeBuffer !== undefined) return NodeBuffer.compare(one, other) === 0;
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}

/** Gives a view of the same memory that is of this realm, and a Buffer if there are Buffers. */
export function viewOctets(octets: Uint8Array): Uint8Array {
  return NodeBuffer === undefined
    ? new Uint8Array(octets.buffer, octets.byteOffset, octets.byteLength)
    : toBuffer(NodeBuffer, octets);
}

/** Calls back in the next turn of the event loop, after sockets and timers. */
export function onNextTurn(callback: () => void): void {
  inNextTurn(callback);
}

// Kept, because tests of applications may put fake timers in its place. Missing outside of Node.
const inNextTurn: (callback: () => void) => unknown = globalThis.setImmediate ?? globalThis.setTimeout;

/** Writes that the operating system has not taken yet. */
let pendingWrites = 0;

/**
 * Writes to the standard error of the process, or to the console where there is no process. A reader that has gone does
 * not end the process, as with `console.error`.
 */
export function writeStandardError(text: string): void {
  const stderr = host?.stderr;
  if (typeof stderr?.write !== 'function' || typeof stderr.on !== 'function') {
    // The console ends the line itself.
    console.error(text.replace(/\n$/, ''));
    return;
  }
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
const asyncHooks = host?.getBuiltinModule?.('node:async_hooks');

/** Keeps the asynchronous context of now, to call functions in it later. */
export function keepContext(): AsyncContext {
  return asyncHooks === undefined ? HERE : new asyncHooks.AsyncResource('gatebridge');
}

const HERE: AsyncContext = { runInAsyncScope: (call, self, ...values) => Reflect.apply(call, self, values) };

/** Tells if this process is a worker of node:cluster. */
export function isClusterWorker(): boolean {
  // Only a process that has, or had, a channel to its parent can be one. To load the module takes time (Node 20 to 26).
  isWorker ??=
    host?.connected !== undefined &&
    // Its type has the default export instead, which only `import` gives.
    Reflect.get(host.getBuiltinModule?.('node:cluster') ?? {}, 'isWorker') === true;
  return isWorker;
}

let isWorker: boolean | undefined;

/** A channel of `node:diagnostics_channel`, for those who publish on it. */
export type DiagnosticsChannel = Pick<Channel, 'hasSubscribers' | 'publish' | 'runStores'>;

const diagnostics = host?.getBuiltinModule?.('node:diagnostics_channel');

/** Gives the channel with a name. Outside of Node nobody can subscribe to it. */
export function openChannel(name: string): DiagnosticsChannel {
  return diagnostics?.channel(name) ?? UNHEARD;
}

const UNHEARD: DiagnosticsChannel = {
  hasSubscribers: false,
  publish: ignore,
  runStores: (_message, call, self, ...values) => Reflect.apply(call, self, values),
};

function toBuffer(Constructor: BufferConstructor, octets: Uint8Array): Buffer {
  return Constructor.isBuffer(octets)
    ? octets
    : Constructor.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
