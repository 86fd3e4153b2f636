/** Connections with an Express app: pipelining, reuse, trailers, 100-continue, HTTP/1.0, HEAD. */
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const program = expressProgram((app, trail) => {
  app.get('/now', (_req, res) => void res.send('now'));
  app.get('/after/:ms', async (req, res) => {
    await delay(Number(req.params.ms));
    res.send(`after ${req.params.ms}`);
  });
  app.get('/pieces', async (_req, res) => {
    for (const piece of ['a', 'b', 'c']) {
      res.write(piece);
      await delay(2);
    }
    res.end();
  });
  app.get('/close', (_req, res) => void res.set('Connection', 'close').send('last'));
  app.get('/length', (_req, res) => void res.set('Content-Length', '5').type('text').end('exact'));
  app.get('/none', (_req, res) => void res.sendStatus(204));
  app.get('/same', (_req, res) => void res.status(304).end());
  app.get('/dateless', (_req, res) => {
    res.sendDate = false;
    res.send('no date');
  });
  app.get('/flushed', async (_req, res) => {
    res.flushHeaders();
    await delay(3);
    res.end('flushed');
  });
  app.post('/read', express.text({ type: () => true }), (req, res) => void res.send(`read ${req.body}`));
  app.post('/unread', (_req, res) => void res.send('not read'));
  app.post('/trailers', (req, res) => {
    req.resume().on('end', () => {
      trail.push(JSON.stringify([req.trailers, req.rawTrailers, req.trailersDistinct, req.complete]));
      res.set({ Trailer: 'X-Sum, X-Two' }).write('content');
      res.addTrailers({ 'X-Sum': '7', 'X-Two': 'two' });
      res.end();
    });
  });
  app.all('/socket', (req, res) => {
    const known = (Reflect.get(req.socket, 'count') ?? 0) + 1;
    Reflect.set(req.socket, 'count', known);
    res.json([known, req.httpVersion, res.shouldKeepAlive, req.socket === res.socket, req.complete]);
  });
});

const GET_PATHS = '/now /pieces /length /none /same /dateless /flushed /after/3 /nowhere'.split(' ');
const get = (path: string, fields = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (path: string, content: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${content.length}\r\n\r\n${content}`;

describe('connections', () => {
  it('serve several requests', async () => {
    const { responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      for (const method of ['GET', 'HEAD']) {
        for (const path of GET_PATHS) {
          client.send(get(path, '', method));
          await visitor.read(client, method);
        }
      }
      for (const content of ['', 'x', 'x'.repeat(100_000)]) {
        client.send(post('/read', content));
        await visitor.read(client);
      }
      for (let count = 0; count < 3; count += 1) {
        client.send(get('/socket'));
        await visitor.read(client);
      }
      client.send(get('/close'));
      await visitor.read(client);
      visitor.note(await client.farewell());
    });
    expect(responses.at(-2)?.content.toString()).toMatch(/^\[3,"1.1",true,true/);
  });

  it('answer pipelined requests in order', async () => {
    const paths = [
      '/after/30',
      '/now',
      '/pieces',
      '/after/1',
      '/none',
      '/nowhere',
      '/length',
      '/flushed',
      '/close',
    ];
    const { responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      client.send(`${paths.map((path) => get(path)).join('')}${get('/now')}`);
      for (const _ of paths) await visitor.read(client);
      visitor.note(await client.farewell((rest) => visitor.note(`rest ${rest.length}`)));
    });
    expect(responses[0]?.content.toString()).toBe('after 30');
  });

  it('answer pipelined requests with content, read or not', async () => {
    const texts = [
      post('/read', 'one'),
      post('/unread', 'two'),
      get('/now'),
      post('/read', 'x'.repeat(50_000)),
      post('/unread', ''),
      get('/now'),
    ];
    const { responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      client.send(texts.join(''));
      for (const _ of texts) await visitor.read(client);
      // A second batch, sent octet by octet.
      for (const octet of Buffer.from(texts.slice(0, 3).join(''))) {
        client.send(Buffer.of(octet));
        await new Promise(setImmediate);
      }
      for (let count = 0; count < 3; count += 1) await visitor.read(client);
    });
    expect(responses.map(({ content }) => content.toString().slice(0, 8))).toContain('not read');
  });

  it('carry trailers both ways', async () => {
    const { trail, responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      const head = 'POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n';
      client.send(`${head}3\r\nabc\r\n0\r\nX-T: one\r\nx-t: two\r\nX-U: \r\n\r\n`);
      await visitor.read(client);
      client.send(`${head}0\r\n\r\n`);
      await visitor.read(client);
    });
    expect(trail[0]).toBe(
      '[{"x-t":"one, two","x-u":""},["X-T","one","x-t","two","X-U",""],{"x-t":["one","two"],"x-u":[""]},true]',
    );
    expect(responses[0]?.trailers).toEqual([
      ['X-Sum', '7'],
      ['X-Two', 'two'],
    ]);
  });

  it('get 100 (Continue) for an expectation', async () => {
    const { responses } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      for (const content of ['first', 'second']) {
        const head = get('/read', `Expect: 100-continue\r\nContent-Length: ${content.length}\r\n`, 'POST');
        client.send(head);
        visitor.note((await client.readHead()).raw);
        client.send(content);
        await visitor.read(client);
      }
      client.send(get('/now', 'Expect: 100-continue\r\n').replace('Expect', 'X-Expect'));
      await visitor.read(client);
      client.send('POST /read HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nold');
      await visitor.read(client);
    });
    expect(responses.map(({ interim }) => interim.length)).toEqual([0, 0, 0, 0]);
    expect(responses[1]?.content.toString()).toBe('read second');
  });

  it.each(['', 'Connection: keep-alive\r\n', 'Connection: close\r\n', 'Connection: keep-alive, x\r\n'])(
    'serve HTTP/1.0 with %j',
    async (fields) => {
      const { responses } = await expectAlike(program, async (visitor) => {
        for (const method of ['GET', 'HEAD', 'POST']) {
          for (const path of [...GET_PATHS, '/socket', '/close', '/read']) {
            const client = visitor.open();
            const content = method === 'POST' ? 'Content-Length: 3\r\n\r\nabc' : '\r\n';
            client.send(`${method} ${path} HTTP/1.0\r\n${fields}${content}`);
            await visitor.read(client, method);
          }
        }
      });
      expect(responses).toHaveLength(36);
    },
  );

  it.each([
    'Connection: close\r\n',
    'Connection: keep-alive, x\r\n',
    'Connection: Upgrade\r\nUpgrade: x\r\n',
    'Keep-Alive: timeout=1\r\n',
  ])('obey %j', async (fields) => {
    await expectAlike(program, async (visitor) => {
      for (const path of GET_PATHS) {
        for (const method of ['GET', 'HEAD']) {
          const client = visitor.open();
          client.send(get(path, fields, method));
          await visitor.read(client, method);
          client.halfClose();
          visitor.note(await client.farewell((rest) => visitor.note(`rest ${rest.length}`)));
        }
      }
    });
  });
});
