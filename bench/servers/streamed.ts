/** Streamed answers of programs on node's request and response, shared by the listener and the frameworks. */
import type { ServerResponse } from 'node:http';
import { EVENT, EVENTS, PIECE, PIECES, STREAM_LENGTH } from './contender.ts';
import { ticks } from './ticks.ts';

/** Sends 64 MiB, as fast as the client takes it. */
export function sendPieces(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': STREAM_LENGTH });
  let sent = 0;
  const send = (): void => {
    while (sent < PIECES) {
      sent += 1;
      if (!res.write(PIECE)) return;
    }
    res.end();
  };
  res.on('drain', send);
  send();
}

/** Sends server-sent events, each in a turn of the event loop of its own (`setImmediate`), as its source would. */
export function sendEvents(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  let sent = 0;
  const send = (): void => {
    res.write(EVENT);
    sent += 1;
    if (sent < EVENTS) setImmediate(send);
    else res.end();
  };
  send();
}

/** Sends server-sent events to a client that stays, whenever the source has one. */
export function sendTicks(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  const send = (): void => {
    res.write(EVENT);
  };
  ticks.on('tick', send);
  res.on('close', () => ticks.off('tick', send));
}
