/**
 * Maps field names to keys of the environ (RFC 3875 §4.1.18), and says how repeated lines become one value.
 *
 * `createEnviron` makes keys of lines by these rules. Wrapped programs find out by the same rules which keys have been
 * changed since.
 */
import { NameMemory } from './name-memory.ts';

/** The environ key of a field name, and how to treat its lines. */
export interface FieldRule {
  readonly key: string;
  readonly kind: 'list' | 'cookie' | 'singleton' | 'underscore' | 'drop';
}

/** RFC 9110 §5.3. */
export const LIST_SEPARATOR = ', ';

/** RFC 9113 §8.2.3: values of Cookie may contain commas. */
export const COOKIE_SEPARATOR = '; ';

/** The rules by field name, in any case. */
export const fieldRules: NameMemory<FieldRule> = new NameMemory((name) => fieldRule(name.toUpperCase()));

function fieldRule(name: string): FieldRule {
  const key = `HTTP_${name.replaceAll('-', '_')}`;
  // HTTP/2's pseudo-header fields are not fields. `Proxy` would become HTTP_PROXY (CVE-2016-5385).
  if (name.startsWith(':') || name === 'PROXY') return { key, kind: 'drop' };
  // X_Foo and X-Foo make the same key, so that a client could forge a field that a proxy sets (CVE-2015-0219).
  // Content_Type and Content_Length are always dropped: HTTP_CONTENT_TYPE must not exist (RFC 3875 §4.1.18).
  if (name.includes('_')) {
    const isReserved = key === 'HTTP_CONTENT_TYPE' || key === 'HTTP_CONTENT_LENGTH' || key === 'HTTP_PROXY';
    return { key, kind: isReserved ? 'drop' : 'underscore' };
  }
  if (name === 'CONTENT-TYPE') return { key: 'CONTENT_TYPE', kind: 'singleton' };
  if (name === 'CONTENT-LENGTH') return { key: 'CONTENT_LENGTH', kind: 'singleton' };
  if (name === 'HOST') return { key, kind: 'singleton' };
  return { key, kind: name === 'COOKIE' ? 'cookie' : 'list' };
}

/** Copies of received lines whose names with `_` have become keys too. */
const withUnderscores = new WeakSet<readonly string[]>();

/**
 * Copies received lines, and remembers of the copy that a gateway has made keys of all its names, also of those with
 * `_`. The original may serve another mount that drops them.
 */
export function copyWithUnderscores(lines: readonly string[]): readonly string[] {
  const copy = [...lines];
  withUnderscores.add(copy);
  return copy;
}

/** Tells if names with `_` have become keys, because the deployer allows it. */
export function hasUnderscores(lines: readonly string[]): boolean {
  return withUnderscores.has(lines);
}
