/** What toFetch can do in the runtimes beside node. */
import type { AuditCapability } from '../../src/conformance/index.ts';

/** On workerd. */
export const WORKER_CAPABILITIES: ReadonlySet<AuditCapability> = new Set([
  'serve',
  'plain',
  'http1',
  'own-error-page',
  'any-path',
] as const);

/** On Bun and Deno, which can load the middleware under audit. */
export const ENGINE_CAPABILITIES: ReadonlySet<AuditCapability> = new Set([
  ...WORKER_CAPABILITIES,
  'middleware',
]);
