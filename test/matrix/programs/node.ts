/** A listener of node:http. */
import type { RequestListener } from 'node:http';
import { fromNode } from '../../../bridges/node/index.ts';
import type { ApplicationFunction } from '../../../src/index.ts';
import { markedPieces } from './pieces.ts';

const listener: RequestListener = (request, response) => {
  const { pathname, search } = new URL(`${request.url}`, 'http://site.test');
  const [, route, name = ''] = pathname.split('/');
  if (route === 'greet') {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Set-Cookie': ['a=1', 'b=2'] });
    response.end(`${request.method} ${decodeURIComponent(name)} ${search} ${request.headers['x-word']}`);
  } else if (route === 'echo') {
    response.writeHead(201, { 'Content-Type': `${request.headers['content-type']}` });
    request.pipe(response);
  } else if (route === 'stream') {
    response.setHeader('Content-Type', 'text/plain');
    const source = markedPieces(`${request.headers['x-marks']}`);
    response.on('close', () => void source.return(undefined));
    const send = async (): Promise<void> => {
      for await (const piece of source) response.write(piece);
      response.end();
    };
    void send();
  } else if (route === 'break') {
    response.write('first');
    setTimeout(() => response.destroy(), 20);
  } else throw new Error('Failed on purpose');
};

/** Makes an application of it. */
export function create(): ApplicationFunction {
  return fromNode(listener);
}
