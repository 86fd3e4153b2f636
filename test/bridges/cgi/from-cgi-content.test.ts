/** The content of requests on its way into a CGI program. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { serveProgram } from './programs.ts';

describe('content', () => {
  const DIGEST =
    'printf "Content-Type: text/plain\\n\\n%s " "$CONTENT_LENGTH"; sha256sum | cut -d" " -f1 | tr -d "\\n"';
  const content = Buffer.alloc(3_000_000, 'content of some size');
  const digest = createHash('sha256').update(content).digest('hex');

  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let start = 0; start < content.length; start += 100_000) {
      yield content.subarray(start, start + 100_000);
      if (start % 500_000 === 0) await delay(1);
    }
  };

  it('of known length is streamed', async () => {
    const { url } = await serveProgram('digest', DIGEST);
    const response = await fetch(url, { method: 'PUT', body: content });
    expect(await response.text()).toBe(`3000000 ${digest}`);
  });

  it.each([
    ['buffer', '3000000 '],
    ['stream', ' '],
  ] as const)('in the chunked coding arrives: %s', async (unknownLength, length) => {
    const { url } = await serveProgram('digest', DIGEST, { unknownLength });
    const init = { method: 'PUT', body: ReadableStream.from(pieces()), duplex: 'half' as const };
    expect(await (await fetch(url, init)).text()).toBe(`${length}${digest}`);
  });

  it('of unknown length has a limit', async () => {
    const { url } = await serveProgram('digest', DIGEST, { maxBufferedContent: 1_000_000 });
    const init = { method: 'PUT', body: ReadableStream.from(pieces()), duplex: 'half' as const };
    expect((await fetch(url, init)).status).toBe(413);
  });

  it('need not be read', async () => {
    const { url, log } = await serveProgram('ignore', 'printf "Content-Type: a/b\\n\\nignored"');
    for (let count = 0; count < 5; count += 1) {
      const response = await fetch(url, { method: 'PUT', body: content });
      expect(await response.text()).toBe('ignored');
    }
    expect(log()).toBe('');
  });

  it('flows in both directions at once', async () => {
    const { url } = await serveProgram('echo', 'printf "Content-Type: a/b\\n\\n"; exec cat');
    const response = await fetch(url, { method: 'PUT', body: content });
    expect(
      createHash('sha256')
        .update(Buffer.from(await response.arrayBuffer()))
        .digest('hex'),
    ).toBe(digest);
  });

  it('may be answered before it is there', async () => {
    const { url } = await serveProgram('early', 'printf "Content-Type: a/b\\n\\nearly "; exec cat', {
      unknownLength: 'stream',
    });
    // fetch shows no response before it has sent the request.
    const upload = request(url, { method: 'PUT' });
    upload.write('first ');
    const [response] = await once(upload, 'response');
    let seen = '';
    for await (const piece of response.setEncoding('utf8')) {
      seen += piece;
      if (seen === 'early first ') upload.end('last');
    }
    expect(seen).toBe('early first last');
  });
});
