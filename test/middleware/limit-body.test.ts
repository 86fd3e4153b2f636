import { request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { readBody } from '../../src/index.ts';
import { bufferInput, cascade, limitBody, type Middleware } from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';
import { MemoryErrors } from '../../src/testing/index.ts';
import { validate } from '../../src/validate/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { askInProcess, EVERYWHERE, HOSTS, TEXT } from './kit.ts';

const echo: Application = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', [['X-Length', environ.CONTENT_LENGTH ?? 'none']]);
  return [content];
};

const lines: Application = async (environ, startResponse) => {
  const all: string[] = [];
  for await (const line of environ['wsgi.input']) all.push(Buffer.from(line).toString());
  startResponse('200 OK', []);
  return [JSON.stringify(all)];
};

const app = express();
app.post('/', express.text(), (request, response) => {
  response.set('X-Length', request.get('content-length') ?? 'none').send(request.body);
});
const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(error.statusCode ?? 500).send(error.name);
};
app.use(onError);
const wrapped = fromExpress(app);

/** Sends content in the chunked coding. */
async function sendChunked(
  application: Application,
  chunks: readonly string[],
): Promise<[number?, string?, string?]> {
  const errors = new MemoryErrors();
  const server = createServer(application, { environ: { 'wsgi.errors': errors } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'text/plain' };
      const request = sendRequest({ port, method: 'POST', headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          resolve([response.statusCode ?? 0, text, String(response.headers['x-length'])]);
        });
      });
      request.on('error', reject);
      for (const chunk of chunks) request.write(chunk);
      request.end();
    });
  } finally {
    await server.shutdown({ timeout: 1000 });
  }
}

describe.each([
  ['limitBody', limitBody],
  ['bufferInput', bufferInput],
] as [string, (options?: { limit?: number }) => Middleware][])('%s', (_name, layer) => {
  it.each(
    Object.entries(HOSTS).flatMap(([host, ask]) =>
      Object.entries({ echo, lines, wrapped }).map(
        ([form, application]) => [host, form, ask, application] as const,
      ),
    ),
  )('%s, %s: content up to the limit arrives whole', async (_host, form, ask, application) => {
    const content = 'a\nb\ncde';
    const answer = await ask(layer({ limit: 7 })(application), {
      method: 'POST',
      headers: [['Content-Type', 'text/plain']],
      content,
    });
    expect(answer.text).toBe(form === 'lines' ? '["a\\n","b\\n","cde"]' : content);
    const over = await ask(layer({ limit: 6 })(application), { method: 'POST', content });
    expect(over.status).toBe('413 Content Too Large');
    expect(over.log).toBe('');
  });

  it.each(Object.entries({ echo, lines }))('%s: content of unknown length', async (form, application) => {
    const [status, text] = await sendChunked(layer({ limit: 7 })(application), ['a\nb', '\ncde']);
    expect([status, text]).toEqual([200, form === 'lines' ? '["a\\n","b\\n","cde"]' : 'a\nb\ncde']);
    expect((await sendChunked(layer({ limit: 6 })(application), ['a\nb', '\ncde']))[0]).toBe(413);
  });

  it('a wrapped program: content of unknown length', async () => {
    expect(await sendChunked(layer({ limit: 7 })(wrapped), ['a\nb', '\ncde'])).toEqual([
      200,
      'a\nb\ncde',
      layer === (bufferInput as never) ? '7' : 'none',
    ]);
    expect((await sendChunked(layer({ limit: 6 })(wrapped), ['a\nb', '\ncde']))[0]).toBe(413);
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    expect((await ask(layer()(application))).text).toBe('Hello world');
    expect((await ask(layer()(application), { method: 'POST', headers: TEXT, content: 'x' })).text).toBe(
      'Hello world',
    );
  });

  it('does not read beyond CONTENT_LENGTH of an input that does not end', async () => {
    const input = {
      read: async (size: number) => {
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(3);
        return Buffer.from('abc').subarray(0, size);
      },
    };
    const environ = { 'wsgi.input': input, 'wsgi.input_terminated': undefined, CONTENT_LENGTH: '3' };
    const answer = await askInProcess(
      layer()(async (given, startResponse) => {
        const content = await readBody(given);
        startResponse('200 OK', []);
        return [content];
      }),
      { method: 'POST', environ },
    );
    expect(answer.text).toBe('abc');
  });

  it('an empty CONTENT_LENGTH is no length', async () => {
    const limited: Application = limitBody({ limit: 3 })(echo);
    const chunked: Application = (environ, startResponse) => {
      return limited({ ...environ, CONTENT_LENGTH: '', 'wsgi.input_terminated': true }, startResponse);
    };
    const headers: [string, string][] = [['Transfer-Encoding', 'chunked']];
    expect((await askInProcess(chunked, { method: 'POST', headers, content: 'four' })).status).toContain(
      '413',
    );
  });

  it('refuses a bad limit', () => {
    expect(() => layer({ limit: -1 })).toThrow(RangeError);
  });
});

describe('bufferInput', () => {
  it('knows the length of chunked content', async () => {
    expect(await sendChunked(bufferInput()(echo), ['a', 'bc'])).toEqual([200, 'abc', '3']);
  });

  it('can be read again: cascade rewinds it', async () => {
    const reading: Application = async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      startResponse('404 Not Found', []);
      return [];
    };
    const site = cascade([reading, reading, echo]);
    for (const application of [site, validate(site)]) {
      const answer = await askInProcess(bufferInput()(application), { method: 'POST', content: 'content' });
      expect(answer.text).toBe('content');
    }
  });
});

describe('limitBody', () => {
  it('an iteration that is open when the answer has gone still gets the rest', async () => {
    let got = '';
    let over: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      over = resolve;
    });
    const application: Application = (environ, startResponse) => {
      const read = async (): Promise<void> => {
        for await (const chunk of environ['wsgi.input'].chunks()) {
          got += Buffer.from(chunk).toString('latin1')[0];
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        got += ' end';
        over();
      };
      void read();
      startResponse('200 OK', []);
      return ['early'];
    };
    const chunk = 'x'.repeat(70_000);
    const [status, text] = await sendChunked(limitBody({ limit: 1_000_000 })(application), [
      chunk,
      chunk,
      chunk,
    ]);
    await finished;
    expect([status, text]).toEqual([200, 'early']);
    expect(got).toMatch(/^x+ end$/);
  });
});
