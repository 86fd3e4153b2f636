/** Checks the status and the headers that an application passes to startResponse, each by itself and together. */
import { describe } from '../gateway/describe.ts';
import { describesContent, isFieldValue, isHopByHop, isToken } from '../gateway/headers.ts';
import { ABOVE_OCTET } from '../gateway/native-string.ts';
import type { Reporter } from './reporter.ts';
import type { RuleId } from './rules.ts';

/** The parts of a head that the rules for content need. */
export interface CheckedHead {
  /** Undefined if the status is malformed. */
  readonly statusCode: number | undefined;
  readonly hasContentType: boolean;
  /** Octets; undefined if the head declares none. */
  readonly contentLength: number | undefined;
}

/**
 * Checks a head.
 *
 * @param status The first argument of startResponse, of any type
 * @param headers The second argument, of any type
 * @param mayBeInterim A wrapped program has said that the status may be 1xx
 */
export function checkHead(
  status: unknown,
  headers: unknown,
  { reporter, mayBeInterim }: { readonly reporter: Reporter; readonly mayBeInterim: boolean },
): CheckedHead {
  const statusCode = checkStatus(status, mayBeInterim, reporter);
  const fields = checkHeaders(headers, reporter);
  const head = {
    statusCode,
    hasContentType: fields.has('content-type'),
    contentLength: lengthOf(fields, reporter),
  };
  checkTogether(head, fields, reporter);
  return head;
}

/** Tells if a status has no content (RFC 9110 §6.4.1). */
export function isContentless(statusCode: number | undefined): boolean {
  return statusCode !== undefined && (statusCode < 200 || [204, 205, 304].includes(statusCode));
}

function checkStatus(status: unknown, mayBeInterim: boolean, reporter: Reporter): number | undefined {
  if (typeof status !== 'string') {
    const cure = typeof status === 'number' ? `; pass '${status} ' and a reason` : '';
    reporter.caller('start-response-58-status-type', `found ${describe(status)}${cure}`);
    return undefined;
  }
  const tell = (rule: RuleId): void => reporter.caller(rule, `found ${JSON.stringify(status)}`);
  if (ABOVE_OCTET.test(status)) tell('start-response-67-native-strings');
  else if (!isFieldValue(status)) tell('start-response-61-status-characters');
  if (!/^\d{3} /.test(status)) {
    tell('start-response-59-status-form');
    return undefined;
  }
  const statusCode = Number(status.slice(0, 3));
  if (statusCode < (mayBeInterim ? 100 : 200)) tell('start-response-60-final-status');
  return statusCode;
}

/** Values by name in lower case. */
type Fields = ReadonlyMap<string, readonly string[]>;

function checkHeaders(headers: unknown, reporter: Reporter): Fields {
  const fields = new Map<string, string[]>();
  if (!Array.isArray(headers)) {
    reporter.caller('start-response-62-headers-type', `found ${describe(headers)}${cureOf(headers)}`);
    return fields;
  }
  for (const pair of headers) {
    const isPair = Array.isArray(pair) && pair.length === 2;
    const [name, value]: readonly unknown[] = isPair ? pair : [];
    if (typeof name !== 'string' || typeof value !== 'string') {
      reporter.caller('start-response-62-headers-type', `found ${showPair(pair)} among them`);
      continue;
    }
    checkName(name, reporter);
    checkValue(name, value, reporter);
    const key = name.toLowerCase();
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [value]);
    else values.push(value);
  }
  return fields;
}

function checkName(name: string, reporter: Reporter): void {
  const rule = ruleBrokenBy(name);
  if (rule !== undefined) reporter.caller(rule, `found ${JSON.stringify(name)}`);
}

function ruleBrokenBy(name: string): RuleId | undefined {
  if (ABOVE_OCTET.test(name)) return 'start-response-67-native-strings';
  if (!isToken(name)) return 'start-response-64-header-name';
  if (name.toLowerCase() === 'status') return 'start-response-63-status-header';
  if (isHopByHop(name)) return 'start-response-69-hop-by-hop';
  return /^[A-Za-z](?:.*[^-_])?$/.test(name) ? undefined : 'start-response-65-header-name-style';
}

function checkValue(name: string, value: string, reporter: Reporter): void {
  if (isFieldValue(value)) return;
  const rule = ABOVE_OCTET.test(value)
    ? 'start-response-67-native-strings'
    : 'start-response-66-header-value';
  reporter.caller(rule, `found ${JSON.stringify(value)} in ${name}`);
}

function lengthOf(fields: Fields, reporter: Reporter): number | undefined {
  const values = fields.get('content-length');
  if (values === undefined) return undefined;
  const [value = ''] = values;
  if (values.length > 1 || !/^\d+$/.test(value) || !Number.isSafeInteger(Number(value))) {
    reporter.caller('start-response-139-content-length', `found ${JSON.stringify(values.join(', '))}`);
    return undefined;
  }
  return Number(value);
}

/** Headers that describe content, and have rules of their own. */
const WITH_OWN_RULES: ReadonlySet<string> = new Set(['content-type', 'content-length']);

function checkTogether(
  { statusCode, hasContentType }: CheckedHead,
  fields: Fields,
  reporter: Reporter,
): void {
  const found = `found a status of ${statusCode}`;
  if (hasContentType && (statusCode === 204 || statusCode === 304))
    reporter.caller('start-response-70-no-content-type', found);
  if (statusCode !== undefined && (statusCode < 200 || statusCode === 204) && fields.has('content-length'))
    reporter.caller('start-response-71-no-content-length', found);
  const describing = [...fields.keys()].find((name) => describesContent(name) && !WITH_OWN_RULES.has(name));
  if (statusCode === 304 && describing !== undefined)
    reporter.caller('start-response-140-not-modified', `found ${describing}`);
  for (const tag of fields.get('etag') ?? []) {
    if (!/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag))
      reporter.caller('start-response-140-etag', `found ${JSON.stringify(tag)}`);
  }
}

function showPair(pair: unknown): string {
  if (!Array.isArray(pair)) return typeof pair === 'string' ? JSON.stringify(pair) : describe(pair);
  const parts = pair.map((part) => (typeof part === 'string' ? JSON.stringify(part) : describe(part)));
  return `[${parts.join(', ')}]`;
}

function cureOf(headers: unknown): string {
  if (typeof headers !== 'object' || headers === null) return '';
  return `; pass ${Symbol.iterator in headers ? '[...headers]' : 'Object.entries(headers)'}`;
}
