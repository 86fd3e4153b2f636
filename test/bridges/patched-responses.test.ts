/** Responses whose methods middleware has replaced, and heads to which hooks add framing. */
import { createServer, type ServerResponse } from 'node:http';
import middie from '@fastify/middie';
import type { RequestHandler } from 'express';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { fieldValues } from '../../src/conformance/wire-client.ts';
import { createServer as createOurs } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { appWith, serve as serveExpress } from './express/express-site.ts';
import { mountBelow } from './fastify/fastify-site.ts';
import { answering, listen, pieces, type Site } from './site.ts';

type Patch = (res: ServerResponse) => void;

/** Hosts whose middleware patches the response before the application answers. */
const HOSTS: Readonly<Record<string, (application: Application, patch: Patch) => Promise<Site>>> = {
  toNode: (application, patch) => {
    const listener = toNode(application);
    return listen(
      createServer((req, res) => {
        patch(res);
        listener(req, res);
      }),
    );
  },
  toExpress: (application, patch) => serveExpress(appWith(patching(patch), toExpress(application)).app),
  'toExpress with fallthrough': (application, patch) =>
    serveExpress(appWith(patching(patch), toExpress(application, { fallthrough: true })).app),
  'toExpress, wrapped, on our own server': (application, patch) =>
    listen(createOurs(fromExpress(appWith(patching(patch), toExpress(application)).app))),
  'toFastify with hijack': (application, patch) =>
    mountBelow(
      application,
      (instance) => instance.addHook('onRequest', async (_, reply) => patch(reply.raw)),
      { prefix: '/x', hijack: true },
    ),
};

function patching(patch: Patch): RequestHandler {
  return (_req, res, next) => {
    patch(res);
    next();
  };
}

const LONG = 'long '.repeat(50_000);

const APPLICATIONS: Readonly<Record<string, [application: Application, content: string]>> = {
  'an array': [answering('whole', [['X-A', '1']]), 'whole'],
  'several chunks': [pieces(['one', 'two', 'three'], [['X-A', '1']]), 'onetwothree'],
  'long chunks': [pieces([LONG, LONG], [['X-A', '1']]), LONG + LONG],
  'a wrapped stream': [
    fromNode((_req, res) => {
      res.setHeader('X-A', '1');
      res.write('one');
      setTimeout(() => res.end('two'), 5);
    }),
    'onetwo',
  ],
};

const PATCHES: Readonly<Record<string, (res: ServerResponse) => void>> = {
  'a logging snippet whose write returns nothing'(res) {
    const { write, end } = res;
    const seen: unknown[] = [];
    res.write = ((...args: never[]) => {
      seen.push(args[0]);
      write.apply(res, args as never);
    }) as never;
    res.end = ((...args: never[]) => {
      seen.push(args[0]);
      end.apply(res, args as never);
    }) as never;
  },
  'middleware that sets a header in write and end'(res) {
    const { write, end } = res;
    const mark = (): void => {
      if (!res.headersSent) res.setHeader('X-Marked', '1');
    };
    res.write = ((...args: never[]) => {
      mark();
      return write.apply(res, args as never);
    }) as never;
    res.end = ((...args: never[]) => {
      mark();
      return end.apply(res, args as never);
    }) as never;
  },
  'middleware that buffers everything'(res) {
    const { end } = res;
    const chunks: Buffer[] = [];
    const add = (chunk?: unknown): void => {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as Buffer));
    };
    res.write = ((chunk: unknown) => {
      add(chunk);
      return true;
    }) as never;
    res.end = ((chunk: unknown) => {
      add(chunk);
      const content = Buffer.concat(chunks);
      res.setHeader('Content-Length', content.length);
      res.setHeader('X-Marked', '1');
      return end.call(res, content, 'utf8');
    }) as never;
  },
};

describe.each(Object.entries(HOSTS))('%s', (_name, host) => {
  describe.each(Object.entries(PATCHES))('below %s', (kind, patch) => {
    it.each(Object.entries(APPLICATIONS))('sends %s', async (_form, [application, content]) => {
      const site = await host(application, patch);
      const response = await site.fetch('/x');
      expect(response.statusCode).toBe(200);
      expect(response.content.toString() === content).toBe(true);
      expect(fieldValues(response, 'X-A')).toEqual(['1']);
      if (!kind.includes('logging')) expect(fieldValues(response, 'X-Marked')).toEqual(['1']);
    });
  });

  describe.each(Object.entries(PATCHES))('below %s', (_kind, patch) => {
    it.each([
      ['an array', answering('x', [], '200 ')],
      ['chunks', pieces(['one', 'two'], [], '200 ')],
      ['an unusual status', answering('x', [], '299 ')],
    ])('keeps an empty reason phrase: %s', async (_form, application) => {
      const site = await host(application, patch);
      for (const method of ['GET', 'HEAD']) {
        const response = await site.fetch({ method, target: '/x' });
        expect(response.raw).toMatch(/^HTTP\/1\.1 2\d\d \r\n/);
      }
    });
  });

  it('has the reason phrase that a patched end sets', async () => {
    const site = await host(answering('x', [], '200 '), (res) => {
      const { end } = res;
      res.end = ((...args: never[]) => {
        res.statusCode = 202;
        return end.apply(res, args as never);
      }) as never;
    });
    expect((await site.fetch('/x')).reason).toBe('Accepted');
  });

  it('may change status and headers in a patched end', async () => {
    const site = await host(
      answering(
        'x',
        [
          ['X-A', '1'],
          ['X-B', '2'],
        ],
        '201 Made',
      ),
      (res) => {
        const { end } = res;
        res.end = ((...args: never[]) => {
          expect([res.statusCode, res.statusMessage, res.getHeader('x-a')]).toEqual([201, 'Made', '1']);
          res.statusCode = 202;
          res.statusMessage = 'Changed';
          res.removeHeader('X-A');
          return end.apply(res, args as never);
        }) as never;
      },
    );
    const response = await site.fetch('/x');
    expect([response.statusCode, response.reason]).toEqual([202, 'Changed']);
    expect([fieldValues(response, 'X-A'), fieldValues(response, 'X-B')]).toEqual([[], ['2']]);
  });

  it('has its error page where a patched end throws, without the headers of the application', async () => {
    const site = await host(answering('x', [['X-A', '1']]), (res) => {
      const { end } = res;
      res.end = (() => {
        res.end = end;
        throw new Error('patch');
      }) as never;
    });
    const response = await site.fetch('/x');
    expect(response.statusCode).toBe(500);
    expect(fieldValues(response, 'X-A')).toEqual([]);
  });

  it('never sends two framings, though a hook around the head adds a length', async () => {
    const chunked = fromNode((_req, res) => {
      res.setHeader('Transfer-Encoding', 'chunked');
      res.write('one');
      res.end('two');
    });
    const site = await host(chunked, (res) => {
      const { writeHead } = res;
      res.writeHead = (...args: never[]) => {
        res.setHeader('Content-Length', '6');
        return writeHead.apply(res, args as never);
      };
    });
    const response = await site.fetch('/x');
    expect(response.content.toString()).toBe('onetwo');
    expect([
      ...fieldValues(response, 'Content-Length'),
      ...fieldValues(response, 'Transfer-Encoding'),
    ]).toHaveLength(1);
  });
});

describe('toFastify by reply.send', () => {
  const PREPARATIONS: Readonly<Record<string, (instance: FastifyInstance) => unknown>> = {
    nothing: () => {},
    'Transfer-Encoding on the reply': (instance) =>
      instance.addHook(
        'onRequest',
        async (_request, reply) => void reply.header('transfer-encoding', 'chunked'),
      ),
    'Content-Length in onSend': (instance) =>
      instance.addHook('onSend', async (_request, reply) => void reply.header('content-length', '6')),
    'Transfer-Encoding by other middleware': async (instance) => {
      await instance.register(middie);
      instance.use(((_req: unknown, res: ServerResponse, next: () => void) => {
        res.setHeader('Transfer-Encoding', 'chunked');
        next();
      }) as never);
    },
  };
  const chunks = (...texts: string[]): Application =>
    fromNode((_req, res) => {
      res.setHeader('Transfer-Encoding', 'chunked');
      for (const text of texts) res.write(text);
      res.end();
    });
  const ANSWERS: Readonly<Record<string, [application: Application, content: string]>> = {
    'an empty chunked answer': [chunks(), ''],
    'a chunked answer': [chunks('one', 'two'), 'onetwo'],
    'an answer in pieces': [pieces(['one', 'two']), 'onetwo'],
    'an array': [answering('onetwo'), 'onetwo'],
  };

  it.each(
    Object.entries(PREPARATIONS).flatMap(([what, prepare]) =>
      Object.entries(ANSWERS).map(([which, answer]) => ({ what, prepare, which, answer })),
    ),
  )('has one framing with $what for $which', async ({ what, prepare, answer }) => {
    const [application, content] = answer;
    if (what === 'Content-Length in onSend' && content === '') return;
    const site = await mountBelow(application, prepare, { prefix: '/x' });
    for (const method of ['GET', 'HEAD']) {
      const response = await site.fetch({ method, target: '/x' });
      expect(response.statusCode).toBe(200);
      if (method === 'GET') expect(response.content.toString()).toBe(content);
      const framing = [
        ...fieldValues(response, 'Content-Length'),
        ...fieldValues(response, 'Transfer-Encoding'),
      ];
      expect(framing.length).toBeLessThan(2);
    }
  });

  it('keeps an empty reason phrase for every kind of answer', async () => {
    const stream: Application = async function* (_environ, startResponse) {
      startResponse('200 ', []);
      yield 'x';
    };
    for (const application of [answering('x', [], '200 '), stream]) {
      for (const hijack of [false, true]) {
        const site = await mountBelow(application, () => {}, { prefix: '/x', hijack });
        for (const method of ['GET', 'HEAD']) {
          expect([hijack, method, (await site.fetch({ method, target: '/x' })).reason]).toEqual([
            hijack,
            method,
            '',
          ]);
        }
      }
    }
  });
});
