/** Options of http.createServer without a meaning for our server: it accepts and ignores them. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import { listen, request, transcript } from '../messages/side-by-side.ts';

class TracedRequest extends IncomingMessage {}
class TracedResponse extends ServerResponse<IncomingMessage> {}

const WITHOUT_MEANING: Readonly<Record<string, unknown>> = {
  IncomingMessage: TracedRequest,
  ServerResponse: TracedResponse,
  insecureHTTPParser: true,
  joinDuplicateHeaders: true,
  uniqueHeaders: ['x-once'],
  highWaterMark: 1000,
  rejectNonStandardBodyWrites: true,
};

describe('a meaningless option of http.createServer', () => {
  it.each(Object.entries(WITHOUT_MEANING))('is accepted and ignored: %s', async (name, value) => {
    const seen: unknown[] = [];
    const application = fromNode((req, res) => {
      seen.push(req instanceof TracedRequest, res instanceof TracedResponse, req.headers.from);
      seen.push(res.writableHighWaterMark === new ServerResponse(req).writableHighWaterMark);
      res.setHeader('X-Once', ['a', 'b']);
      res.statusCode = 204;
      seen.push(res.write('x'));
      res.end();
    });
    const server = await listen(createServer(application, { [name]: value }));
    const answer = await transcript(server, request('GET', '/', ['From: a', 'From: b']));
    expect(seen).toEqual([false, false, 'a', true, true]);
    expect(answer).toMatch(/^HTTP\/1\.1 204 No Content\r\nX-Once: a\r\nX-Once: b\r\n/);
    // insecureHTTPParser would accept this.
    expect(await transcript(server, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    await server.close();
  });
});
