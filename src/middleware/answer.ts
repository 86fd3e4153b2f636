/** Responses that middleware gives itself. */
import { encodeUtf8 } from '../gateway/platform.ts';
import { reasonPhrase } from '../gateway/reason-phrase.ts';
import type { Environ, HeaderList, StartResponse } from '../wsgi.ts';

/** The parts of a response besides its status. */
export interface Answer {
  /** @default the reason phrase */
  readonly text?: string | undefined;
  readonly headers?: HeaderList | undefined;
  /** The error that the response replaces. */
  readonly excInfo?: unknown;
}

/** Answers with a line of text. The text is for people, and never has anything of the request in it. */
export function answerText(
  startResponse: StartResponse,
  statusCode: number,
  answer: Answer = {},
): Uint8Array[] {
  const reason = reasonPhrase(statusCode);
  const { text = reason, headers = [], excInfo } = answer;
  const list: HeaderList = [['Content-Type', 'text/plain; charset=utf-8'], ...headers];
  const status = `${statusCode} ${reason}`;
  if (excInfo === undefined) startResponse(status, list);
  else startResponse(status, list, excInfo);
  return [encodeUtf8(`${text}\n`)];
}

/** The same for a GET or HEAD: a response to HEAD has no content. */
export function answerRead(
  { REQUEST_METHOD }: Readonly<Environ>,
  startResponse: StartResponse,
  ...[statusCode, answer]: [statusCode: number, answer?: Answer]
): Uint8Array[] {
  const content = answerText(startResponse, statusCode, answer);
  return REQUEST_METHOD === 'HEAD' ? [] : content;
}
