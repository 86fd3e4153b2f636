/** Responses that middleware gives itself. */
import { encodeUtf8 } from '../gateway/platform.ts';
import { reasonPhrase } from '../gateway/reason-phrase.ts';
import type { Environ, HeaderList, StartResponse } from '../wsgi.ts';
import { passHead } from './change-head.ts';

/** The parts of a response. */
export interface Answer {
  readonly statusCode: number;
  /** @default the reason phrase */
  readonly text?: string | undefined;
  readonly headers?: HeaderList | undefined;
  /** The error that the response replaces. */
  readonly excInfo?: unknown;
}

/** Answers with a line of text. The text is for people, and never has anything of the request in it. */
export function answerText(
  environ: Readonly<Environ>,
  startResponse: StartResponse,
  answer: Answer,
): Uint8Array[] {
  const { statusCode, headers = [], excInfo } = answer;
  const reason = reasonPhrase(statusCode);
  const content = encodeUtf8(`${answer.text ?? reason}\n`);
  const described: HeaderList = [['Content-Type', 'text/plain; charset=utf-8'], lengthOf(content)];
  passHead(startResponse, {
    status: `${statusCode} ${reason}`,
    headers: [...described, ...headers],
    excInfo,
  });
  return contentFor(environ, content);
}

/** Declares the length of content: it may take the place of a body whose length the gateway knows. */
export function lengthOf(content: Uint8Array): HeaderList[number] {
  return ['Content-Length', String(content.length)];
}

/** Gives the content of a response. A response to HEAD has none (RFC 9110 §9.3.2). */
export function contentFor({ REQUEST_METHOD }: Readonly<Environ>, content: Uint8Array): Uint8Array[] {
  return REQUEST_METHOD === 'HEAD' ? [] : [content];
}
