/** Predicts the answers to messages that the parser has read, for a client that closes its half after sending. */
import { ERRORS } from '../../src/errors.ts';
import type { OurReading } from './our-reading.ts';
import type { Message } from './reading.ts';

export interface Answer {
  readonly method: string;
  readonly statusCode: number;
  /** The content of the answer; undefined for an error. */
  readonly content: string | undefined;
}

/**
 * Predicts answers.
 *
 * @param isReading The application reads the content before it answers
 */
export function predictAnswers(reading: OurReading, isReading: boolean): Answer[] {
  const answers: Answer[] = [];
  for (const message of reading.messages) {
    const { method, target, content } = message;
    const expectation = expectationOf(message);
    // RFC 9110 §10.1.1: other expectations cannot be met.
    if (expectation === 'unknown') return [...answers, { method, statusCode: 417, content: undefined }];
    // Incomplete content: the refusal of the parser, or nothing for a client that has left.
    if (message.end === undefined && isReading) return [...answers, ...refusal(reading)];
    answers.push({
      method,
      statusCode: 200,
      content: JSON.stringify([method, target, isReading ? content : '']),
    });
    // Incomplete content, or content without a 100 to invite it, ends the connection.
    if (message.end === undefined || (!isReading && expectation === 'continue')) return answers;
  }
  return [...answers, ...refusal(reading)];
}

function refusal(reading: OurReading): Answer[] {
  const { lastMethod: method } = reading;
  const code = Object.keys(ERRORS).find((name): name is keyof typeof ERRORS => name === reading.code);
  if (code !== undefined) return [{ method, statusCode: ERRORS[code].statusCode, content: undefined }];
  // RFC 9112 §8: the client closed its half during a head.
  return reading.isAmidHead ? [{ method, statusCode: 400, content: undefined }] : [];
}

function expectationOf({ version, fields, end }: Message): 'none' | 'continue' | 'unknown' {
  if (version === '1.0') return 'none';
  const elements = fields
    .filter((_, index) => index % 2 === 1 && fields[index - 1]?.toLowerCase() === 'expect')
    .flatMap((value) => value.split(','))
    .map((element) => element.trim().toLowerCase())
    .filter((element) => element !== '');
  if (elements.some((element) => element !== '100-continue')) return 'unknown';
  return elements.length > 0 && hasContent({ fields, end }) ? 'continue' : 'none';
}

function hasContent({ fields, end }: Pick<Message, 'fields' | 'end'>): boolean {
  if (end === undefined) return true;
  return fields.some((name, index) => {
    if (index % 2 === 1) return false;
    const isCoded = name.toLowerCase() === 'transfer-encoding';
    return isCoded || (name.toLowerCase() === 'content-length' && Number(fields[index + 1]) > 0);
  });
}
