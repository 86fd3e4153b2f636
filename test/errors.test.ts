/**
 * The table of errors is complete, well formed, documented, and used.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { withTable } from '../scripts/error-table.ts';
import {
  ApplicationError,
  DisconnectError,
  ERRORS,
  type ErrorCode,
  isError,
  ProtocolError,
} from '../src/errors.ts';
import { reasonPhrase } from '../src/gateway/reason-phrase.ts';

const ROOT = join(import.meta.dirname, '..');
const entries = Object.entries(ERRORS);

describe('the table of errors', () => {
  it.each(entries)('has a well-formed row for %s', (code, { party, statusCode, source, message }) => {
    expect(code).toMatch(/^WSGI_ERR(_[A-Z]+)+$/);
    expect(source).toMatch(/^(RFC \d{4} §|PEP 3333, |CVE-|PROXY protocol §|Fetch Standard §)/);
    expect(message).toMatch(/^([A-Z]|startResponse |write )[^\n]*[^.\s]$/);
    const statuses: Record<string, RegExp> = {
      client: /^(4\d\d|50[135])$/,
      application: /^500$/,
      upstream: /^50[234]$/,
      nobody: /^499$/,
    };
    expect(String(statusCode)).toMatch(statuses[party] ?? 'unknown party');
  });

  it.each(entries.filter(([, { party }]) => party !== 'nobody'))(
    'gives %s a reason phrase',
    (_code, entry) => {
      expect(reasonPhrase(entry.statusCode)).not.toBe('');
    },
  );

  it('equals the one in docs/errors.md (npm run docs writes it)', () => {
    const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    expect(page).toContain('WSGI_ERR_BODY_INVALID');
    expect(withTable(page)).toBe(page);
  });

  it('has no unused code', () => {
    const sources = ['src', 'bridges'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('error-table.ts'))
        .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
    );
    const unused = entries
      .map(([code]) => code)
      .filter((code) => !sources.some((text) => text.includes(`'${code}'`)));
    expect(unused).toEqual([]);
  });
});

describe('an error', () => {
  it('carries its code, status and source', () => {
    const cause = new Error('deeper');
    const error = new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 1000, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ProtocolError',
      code: 'WSGI_ERR_CONTENT_TOO_LARGE' satisfies ErrorCode,
      statusCode: 413,
      source: 'RFC 9110 §15.5.14',
      message: 'Request content exceeds 1000 octets',
      cause,
    });
  });

  it('inserts a detail unchanged, even patterns of String.replace', () => {
    expect(new ApplicationError('WSGI_ERR_BODY_INVALID', '$& $1').message).toContain('$& $1');
  });

  it('differs by its class', () => {
    expect(new ApplicationError('WSGI_ERR_STATUS_INVALID')).not.toBeInstanceOf(ProtocolError);
    expect(new DisconnectError('WSGI_ERR_DISCONNECTED', 'request').statusCode).toBe(499);
  });
});

describe('isError()', () => {
  it('knows errors of this realm and of others, and nothing else', () => {
    for (const error of [new Error('a'), new DOMException('a'), runInNewContext('new TypeError("a")')])
      expect(isError(error)).toBe(true);
    const hostile = new Proxy(new Error('a'), {
      getPrototypeOf() {
        throw new Error('not to be asked');
      },
    });
    for (const value of [undefined, null, 'Error', {}, { message: 'a' }, { stack: 1, message: 'a' }, hostile])
      expect(isError(value)).toBe(false);
  });
});
