/** Reads octets with the parser of the standalone server, as its connection does. */
import { ProtocolError } from '../../src/errors.ts';
import { DEFAULT_LIMITS, type RequestHead, RequestParser } from '../../src/http/index.ts';
import type { Ending, Message, Reading } from './reading.ts';

export interface ReadingOptions {
  /** CONNECT makes a tunnel; otherwise it is refused. */
  readonly allowConnect: boolean;
}

export interface OurReading extends Reading {
  /** Octets of a further head have come, and more are needed. */
  readonly isAmidHead: boolean;
  /** The method of the message that ends the reading; empty if it is unknown. */
  readonly lastMethod: string;
}

/** Reads octets that arrive in pieces; `ends` are the ends of the pieces. */
export function readWithOurs(octets: Buffer, ends: readonly number[], options: ReadingOptions): OurReading {
  const parser = new RequestParser({ ...DEFAULT_LIMITS, ...options });
  const messages: Message[] = [];
  let pushed = 0;
  let ending: Ending = 'waiting';
  let code = '';
  try {
    for (const end of ends) {
      parser.push(octets.subarray(pushed, end));
      pushed = end;
      ending = readMessages(parser, messages, pushed);
      if (ending !== 'waiting') break;
    }
  } catch (error) {
    ending = error instanceof ProtocolError ? 'refused' : 'crashed';
    code = error instanceof ProtocolError ? error.code : String(error);
  }
  const at = pushed - parser.bufferedLength;
  const isAmidHead = ending === 'waiting' && parser.hasPartialHead;
  return { messages, ending, code, at, isAmidHead, lastMethod: parser.method ?? '' };
}

function readMessages(parser: RequestParser, messages: Message[], pushed: number): Ending {
  for (;;) {
    let message = messages.at(-1);
    if (message === undefined || message.end !== undefined) {
      const head = parser.readHead();
      if (head === undefined) return 'waiting';
      message = createMessage(head);
      messages.push(message);
    }
    if (!readContent(parser, message)) return 'waiting';
    message.end = pushed - parser.bufferedLength;
    if (message.method === 'CONNECT') return 'tunnel';
    if (!message.isPersistent) return 'closed';
  }
}

function readContent(parser: RequestParser, message: Message): boolean {
  for (;;) {
    const piece = parser.readContent();
    if (piece === undefined) return false;
    if (piece === null) break;
    message.content += piece.toString('latin1');
  }
  message.trailers = parser.trailers;
  return true;
}

function createMessage(head: RequestHead): Message {
  return {
    method: head.method,
    target: head.target,
    version: head.protocol.slice('HTTP/'.length),
    fields: head.rawHeaders,
    isPersistent: head.isPersistent,
    isUpgrade: head.connectionNominatesUpgrade && head.method !== 'CONNECT',
    content: '',
    trailers: [],
    end: undefined,
  };
}
