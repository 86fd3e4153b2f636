/** node's diagnostics channels publish the same on node:http and on the standalone server. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { type Listening, listen, listenNode, listenOurs, request, transcript } from './side-by-side.ts';

const CHANNELS = ['http.server.request.start', 'http.server.response.created', 'http.server.response.finish'];

/** Notes what is published while a server answers some requests. */
async function publications(server: Listening): Promise<string[]> {
  const seen: string[] = [];
  const note = (message: unknown, name: string | symbol): void => {
    // The shape that node documents.
    const told = message as {
      request: IncomingMessage;
      response: ServerResponse;
      socket: unknown;
      server: unknown;
    };
    if (told.request.headers.host !== 'example.test') return;
    const { request: req, response: res } = told;
    const classes = `${req instanceof IncomingMessage} ${res instanceof ServerResponse} ${res.req === req}`;
    const more = `${told.socket === req.socket} ${typeof told.server} ${res.statusCode} ${res.headersSent}`;
    seen.push(`${String(name)} ${req.method} ${req.url} ${classes} ${more} ${Object.keys(told)}`);
  };
  for (const name of CHANNELS) subscribe(name, note);
  await transcript(server, request('GET', '/now'));
  await transcript(server, request('POST', '/later', [], 'hello'));
  for (const name of CHANNELS) unsubscribe(name, note);
  await server.close();
  return seen;
}

const listener = (req: IncomingMessage, res: ServerResponse): void => {
  if (req.url === '/now') res.writeHead(201).end('x');
  else req.resume().on('end', () => setTimeout(() => res.end('y'), 3));
};

describe('diagnostics channels', () => {
  it('publish the same for a wrapped program as for node:http', async () => {
    const node = await publications(await listenNode(listener));
    const ours = await publications(await listenOurs(fromNode(listener)));
    expect(node.length).toBeGreaterThanOrEqual(4);
    expect(ours).toEqual(node);
  });

  it('publish a request through a server of node once', async () => {
    const node = await publications(await listenNode(listener));
    const through = await publications(await listen(createServer(toNode(fromNode(listener)))));
    const starts = (list: string[]): number => list.filter((line) => line.includes('request.start')).length;
    expect(starts(through)).toBe(starts(node));
  });
});
