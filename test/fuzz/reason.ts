/** What a reason is, and the productions of the RFCs that reasons look for, written down a second time. */
import { isIPv6 } from 'node:net';
import type { ErrorCode } from '../../src/errors.ts';
import type { DifferenceKind } from './comparison.ts';
import type { Dispute } from './dispute.ts';

/** Why a reading of ours may differ from that of node:http. */
export interface Reason {
  readonly id: string;
  readonly sentence: string;
  readonly source: string;
  /** An input that needs it: a native string. */
  readonly example: string;
  readonly kinds: readonly DifferenceKind[];
  /** Our refusal. */
  readonly code?: ErrorCode;
  /** Node's refusal. */
  readonly nodeCode?: string;
  /** Tells by the octets whether the reason applies. */
  holds(dispute: Dispute): boolean;
}

/** 16 KiB, which node counts over the whole head, and we over the request line and over the fields. */
export const HEAD_LIMIT = 16_384;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REG_NAME = /^([\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*$/i;
const IP_FUTURE = /^v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+$/i;
const CHUNK_LINE =
  /^[0-9a-f]+([ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+([ \t]*=[ \t]*([\w!#$%&'*+.^`|~-]+|"([^"\\]|\\.)*"))?)*$/is;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a line is a chunk size with extensions, or without. */
export function isChunkLine(line: string): boolean {
  return CHUNK_LINE.test(line);
}

export function isAuthority(text: string): boolean {
  const match = /^(\[(.*)\]|[^:]*)(?::([0-9]*))?$/s.exec(text);
  if (match === null) return false;
  const [, host = '', literal, port = ''] = match;
  const isHost = literal === undefined ? REG_NAME.test(host) : isAddress(literal);
  return isHost && Number(port) <= 65_535;
}

function isAddress(text: string): boolean {
  return (isIPv6(text) && !text.includes('%')) || IP_FUTURE.test(text);
}

export function isTarget(method: string, target: string): boolean {
  if (method === 'CONNECT') return isAuthority(target) && /[^:]:[0-9]+$/.test(target);
  if (target === '*') return method === 'OPTIONS';
  if (!/^[!-~]+$/.test(target)) return false;
  const authority = /^https?:\/\/([^/?]*)/i.exec(target)?.[1];
  return (
    target.startsWith('/') || (authority !== undefined && isAuthority(authority) && /^[^:]/.test(authority))
  );
}
