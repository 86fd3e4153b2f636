import { describe, expect, it } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { listen, request, transcript } from '../../messages/side-by-side.ts';

describe('values that JavaScript lets a program pass', () => {
  const VALUES: readonly unknown[] = [42, true, 10n, new Error('boom'), new URL('http://a/')];

  it.each(VALUES)('are the text of a reason phrase, as on node:http: %s', async (value) => {
    const application = fromNode((_request, response) => {
      response.statusMessage = value as string;
      response.end('x');
    });
    const server = await listen(createServer(application));
    expect(await transcript(server, request('GET', '/'))).toContain(`HTTP/1.1 200 ${value}\r\n`);
    await server.close();
  });

  it.each([undefined, null, Buffer.from('x-buffer-name-that-is-long'), 5n])(
    'are no field names: %s',
    async (name) => {
      const codes: unknown[] = [];
      const application = fromNode((_request, response) => {
        try {
          response.writeHead(200, [[name, 'x']] as never);
        } catch (error) {
          codes.push((error as NodeJS.ErrnoException).code);
        }
        response.end('x');
      });
      const server = await listen(createServer(application));
      await transcript(server, request('GET', '/'));
      expect(codes).toEqual(['ERR_INVALID_HTTP_TOKEN']);
      await server.close();
    },
  );
});
