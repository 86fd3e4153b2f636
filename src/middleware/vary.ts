/** The Vary field (RFC 9110 §12.5.5). */
import type { Headers } from '../gateway/headers.ts';

/** Adds names to Vary, unless they are there. */
export function addVary(headers: Headers, ...names: readonly string[]): void {
  const present = headers.getAll('Vary').join(', ');
  const known = new Set(present.toLowerCase().split(/[\s,]+/));
  if (known.has('*')) return;
  const missing = names.filter((name) => !known.has(name.toLowerCase()));
  if (missing.length === 0) return;
  headers.set('Vary', [present, ...missing].filter((part) => part !== '').join(', '));
}
