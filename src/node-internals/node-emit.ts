/**
 * Tells if `emit` is node's own. Tracing tools patch it on node's servers, or on EventEmitter, as `node:domain` does.
 *
 * A patch may be older than this module. node's own is told by its text (checked on Node 20 to 26, Deno 2.9, Bun 1.4).
 */
import { EventEmitter } from 'node:events';

const { emit } = EventEmitter.prototype;
const NODE_EMIT = /^function emit\((?:type|e), ?\.\.\.(?:args|t)\)/.test(String(emit)) ? emit : undefined;

/** Tells if a function is the `emit` of EventEmitter, and nobody has patched it. */
export function isNodeEmit(candidate: unknown): boolean {
  return candidate === NODE_EMIT;
}
