/** The applications of the CGI audits. A program under audit imports this module and runs one of them. */
import type { ApplicationFunction } from '../../wsgi.ts';
import { BULK_SIZE } from '../cgi-programs.ts';
import { octets, text } from './kit.ts';

/** Answers four octets, without headers. */
export const trivial: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return [octets('http')];
};

/** Sends several fields, and a body of unknown length. */
export const fields: ApplicationFunction = async function* (_environ, startResponse) {
  startResponse('404 Not Here', text(['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']));
  yield octets('one ');
  yield octets('two');
};

/** Answers with the environ, as far as JSON can hold it, and the content. */
export const describe: ApplicationFunction = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  const more = await environ['wsgi.input'].read(1);
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  const description = {
    environ,
    content: Buffer.from(content).toString('latin1'),
    isAtEnd: more.length === 0,
    proxy: process.env.HTTP_PROXY ?? null,
  };
  return [octets(JSON.stringify(description))];
};

/** Fails before any output. */
export const failing: ApplicationFunction = () => {
  throw new Error('audit of line 206');
};

/** Fails after some output. */
export const failingLate: ApplicationFunction = async function* (_environ, startResponse) {
  startResponse('200 OK', text());
  yield octets('begun');
  throw new Error('audit of line 206');
};

/** Sends more than any pipe holds, always from the same memory. */
export const reusing: ApplicationFunction = function* (_environ, startResponse) {
  startResponse('200 OK', text());
  const memory = Buffer.alloc(BULK_SIZE / 64);
  for (let index = 0; index < 64; index += 1) yield memory.fill(String.fromCharCode(64 + index));
  memory.fill('-');
};

/** Sends more than any pipe holds. */
export const bulk: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', text());
  return [Buffer.alloc(BULK_SIZE, 'gatebridge ')];
};
