/** A listener for node:http, written by hand and without a wasted step. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { HELLO, HELLO_LENGTH } from './contender.ts';
import { sendEvents, sendPieces, sendTicks } from './streamed.ts';

export function createListener(): RequestListener {
  return (req, res) => {
    switch (req.url) {
      case '/echo':
        read(req, (content) => reply(res, content));
        break;
      case '/json':
        read(req, (content) => reply(res, JSON.stringify(JSON.parse(content.toString()))));
        break;
      case '/down':
        sendPieces(res);
        break;
      case '/events':
        sendEvents(res);
        break;
      case '/ticks':
        sendTicks(res);
        break;
      case '/up':
        up(req, res);
        break;
      default:
        if (req.url?.startsWith('/repeat/') === true) return repeat(req, res);
        res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH });
        // node:http sends a string in one piece with the head, but not a Buffer.
        res.end(HELLO);
    }
  };
}

/** Answers with values of the request. */
function repeat({ url = '', headers }: IncomingMessage, res: ServerResponse): void {
  const content = `${url} ${headers.cookie}`;
  const length = String(Buffer.byteLength(content));
  res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': length, 'X-Target': url });
  res.end(content);
}

function read(req: IncomingMessage, done: (content: Buffer) => void): void {
  const pieces: Buffer[] = [];
  req.on('data', (piece: Buffer) => pieces.push(piece));
  req.on('end', () => done(Buffer.concat(pieces)));
}

function reply(res: ServerResponse, content: Buffer | string): void {
  const length = String(Buffer.byteLength(content));
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': length });
  res.end(content);
}

function up(req: IncomingMessage, res: ServerResponse): void {
  let length = 0;
  req.on('data', (piece: Buffer) => {
    length += piece.length;
  });
  req.on('end', () => {
    const text = String(length);
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': String(text.length) });
    res.end(text);
  });
}
