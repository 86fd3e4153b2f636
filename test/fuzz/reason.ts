/** The type of a reason, and productions of the RFCs for reasons, written independently of src. */
import { isIPv6 } from 'node:net';
import type { ErrorCode } from '../../src/errors.ts';
import type { DifferenceKind } from './comparison.ts';
import type { Dispute } from './dispute.ts';

/** A reason why our reading may differ from that of node:http. */
export interface Reason {
  readonly id: string;
  readonly sentence: string;
  readonly source: string;
  /** An input that needs the reason: a native string. */
  readonly example: string;
  readonly kinds: readonly DifferenceKind[];
  /** The code of our refusal. */
  readonly code?: ErrorCode;
  /** The code of node's refusal. */
  readonly nodeCode?: string;
  /** Tells from the octets if the reason applies. */
  holds(dispute: Dispute): boolean;
}

/** 16 KiB: for node a limit of the whole head, for us one of the request line and one of the fields. */
export const HEAD_LIMIT = 16_384;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REG_NAME = /^([\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*$/i;
const IP_FUTURE = /^v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+$/i;
const CHUNK_LINE =
  /^[0-9a-f]+([ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+([ \t]*=[ \t]*([\w!#$%&'*+.^`|~-]+|"([^"\\]|\\.)*"))?)*$/is;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Tells if a line is a chunk size, with or without extensions. */
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
