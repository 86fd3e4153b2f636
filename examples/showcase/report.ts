/** An environ as JSON: each key with its group, the kind of its value, and the value in readable form. */
import { decodeNative, type Environ } from 'gatebridge';

export interface ReportEntry {
  readonly key: string;
  readonly group: 'cgi' | 'headers' | 'wsgi' | 'gateway' | 'host';
  /** The result of `typeof`, or the name of an object's constructor. */
  readonly kind: string;
  readonly value: string;
  /** The value decoded to text, if that differs from the native string. */
  readonly text?: string;
}

/** Reports an environ. It does not contain the environment of the process: the server does not put it there. */
export function report(environ: Environ | undefined, note: string): Buffer {
  if (environ === undefined) throw new TypeError('This request came from no gateway');
  const entries = Object.entries(environ).map(([key, value]) => describe(key, value));
  return Buffer.from(JSON.stringify({ note, entries }));
}

function describe(key: string, value: unknown): ReportEntry {
  const entry = { key, group: groupOf(key), kind: kindOf(value), value: show(value) };
  if (typeof value !== 'string') return entry;
  const text = decodeNative(value);
  return text === value ? entry : { ...entry, text };
}

function groupOf(key: string): ReportEntry['group'] {
  if (key.startsWith('HTTP_')) return 'headers';
  if (key.startsWith('wsgi.')) return 'wsgi';
  if (key.startsWith('gateway.')) return 'gateway';
  return key.includes('.') ? 'host' : 'cgi';
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  return value.constructor?.name ?? 'object';
}

function show(value: unknown): string {
  if (typeof value === 'function') return `${value.name || 'function'}(…)`;
  if (Array.isArray(value)) return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? `{ ${kindOf(value)} }` : String(value);
}
