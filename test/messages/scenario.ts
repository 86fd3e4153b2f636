/** A scenario: a program, a client, and the trail of events that the program sees. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Lines about what happened, in order. */
export type Trail = string[];

/** The part of a server that scenarios use. */
export interface ScenarioServer {
  setTimeout(milliseconds: number, listener?: (socket: Socket) => void): unknown;
  on(event: string, listener: (...values: never[]) => void): unknown;
}

export interface Scenario {
  readonly name: string;
  /** The program. */
  run(req: IncomingMessage, res: ServerResponse, trail: Trail): unknown;
  /** Sets the server up. */
  prepare?(server: ScenarioServer, trail: Trail): unknown;
  /** The client; by default it sends a GET. */
  client?(socket: Socket): unknown;
  /** The last line that the trail is expected to get. */
  readonly last: string;
  /** Compares only the first line of the response: the rest of a refusal is the server's own. */
  readonly isRefused?: boolean;
}

export const GET = 'GET /p?q=1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n';
export const HEAD = GET.replace('GET', 'HEAD');

export function post(length: number): string {
  return `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
}

/** Notes every event of both messages with their state, and the errors of their socket. */
export function follow(req: IncomingMessage, res: ServerResponse, trail: Trail): void {
  followMessages(req, res, trail);
  req.socket.on('error', (error: NodeJS.ErrnoException) => trail.push(`socket error ${error.code}`));
}

/** Notes every event of both messages with their state. */
export function followMessages(req: IncomingMessage, res: ServerResponse, trail: Trail): void {
  for (const event of ['end', 'aborted', 'close']) {
    req.on(event, () => {
      const { complete, aborted, destroyed, readableEnded } = req;
      trail.push(`req ${event} ${JSON.stringify({ complete, aborted, destroyed, readableEnded })}`);
    });
  }
  for (const event of ['finish', 'close', 'drain', 'pipe', 'unpipe']) {
    res.on(event, () => {
      const { writableEnded, writableFinished, destroyed } = res;
      trail.push(`res ${event} ${JSON.stringify({ writableEnded, writableFinished, destroyed })}`);
    });
  }
  req.on('error', (error: NodeJS.ErrnoException) => trail.push(`req error ${error.code} ${error.message}`));
  res.on('error', (error: NodeJS.ErrnoException) => trail.push(`res error ${error.code} ${error.message}`));
}

export function attempt(trail: Trail, ...actions: (() => unknown)[]): void {
  for (const action of actions) {
    try {
      action();
      trail.push('done');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      trail.push(`${code} ${message}`);
    }
  }
}
