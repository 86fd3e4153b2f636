/**
 * The result of an invocation: a response as each platform in front of Lambda takes it.
 *
 * Rule: no line is lost. Where a platform has one value for a name, values are joined (RFC 9110 §5.3), and cookies,
 * which cannot be joined, get names of their own.
 */
import { reasonPhrase } from '../../src/gateway/index.ts';
import { decodeNative, type ResponseHead } from '../../src/index.ts';

/** The head of a result. */
export interface ResultHead {
  readonly statusCode: number;
  /** Only load balancers have it. */
  readonly statusDescription?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
}

/** The result of an invocation, as the platform that sent the event takes it. */
export interface LambdaResult extends ResultHead {
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** A field with all its lines. */
interface Field {
  /** As the first line spells it. */
  readonly name: string;
  readonly values: string[];
}

/** Makes the head for payload 1.0, which has lists for what is repeated. */
export function mixedHead(head: ResponseHead): ResultHead {
  const fields = fieldsOf(head);
  const repeated = fields.filter(({ values }) => values.length > 1);
  return {
    statusCode: head.statusCode,
    headers: Object.fromEntries(fields.filter(({ values }) => values.length === 1).map(joined)),
    ...(repeated.length > 0 ? { multiValueHeaders: Object.fromEntries(repeated.map(listed)) } : {}),
  };
}

/** Makes the head for a load balancer with multi-value headers, which has lists only. */
export function listHead(head: ResponseHead): ResultHead {
  return { ...described(head), multiValueHeaders: Object.fromEntries(fieldsOf(head).map(listed)) };
}

/** Makes the head for payload 2.0, which has a list for cookies. */
export function cookiesHead(head: ResponseHead): ResultHead {
  const fields = fieldsOf(head);
  const cookies = fields.find(isCookie)?.values;
  return {
    statusCode: head.statusCode,
    headers: Object.fromEntries(fields.filter((field) => !isCookie(field)).map(joined)),
    ...(cookies === undefined ? {} : { cookies }),
  };
}

/** Makes the head for a load balancer that takes one value for a name. Names of cookies differ in their case. */
export function singleHead(head: ResponseHead): ResultHead {
  const pairs = fieldsOf(head).flatMap((field): [string, string][] => {
    if (!isCookie(field)) return [joined(field)];
    return field.values.map((value, index) => [spell(field.name, index), value]);
  });
  return { ...described(head), headers: Object.fromEntries(pairs) };
}

function described({ status, statusCode, reason }: ResponseHead): ResultHead {
  // The load balancer refuses a status without words.
  const statusDescription = reason === '' ? `${statusCode} ${reasonPhrase(statusCode)}` : status;
  return { statusCode, statusDescription };
}

function fieldsOf({ headers, contentLength, hasContentLengthField }: ResponseHead): Field[] {
  const fields = new Map<string, Field>();
  const add = (name: string, value: string): void => {
    const key = name.toLowerCase();
    const field = fields.get(key);
    if (field === undefined) fields.set(key, { name, values: [value] });
    else field.values.push(value);
  };
  for (const [name, value] of headers) add(name, toText(value));
  if (!hasContentLengthField && contentLength !== undefined) add('Content-Length', `${contentLength}`);
  return [...fields.values()];
}

/** JSON has characters: octets of UTF-8 become what they mean, others stay what they are in ISO 8859-1. */
function toText(value: string): string {
  if (!/[^\0-\x7f]/.test(value)) return value;
  const text = decodeNative(value);
  return text.includes('\ufffd') ? value : text;
}

function isCookie({ name }: Field): boolean {
  return name.toLowerCase() === 'set-cookie';
}

function joined({ name, values }: Field): [string, string] {
  return [name, values.join(', ')];
}

function listed({ name, values }: Field): [string, string[]] {
  return [name, values];
}

/** Spells a name in one of the cases that it can have; the first one is its own. */
function spell(name: string, index: number): string {
  let bits = index;
  return name.replace(/[A-Za-z]/g, (letter) => {
    const isSwapped = bits % 2 === 1;
    bits = Math.floor(bits / 2);
    if (!isSwapped) return letter;
    return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  });
}
