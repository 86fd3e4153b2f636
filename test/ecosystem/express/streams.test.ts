/** Slow responses: server-sent events and long polling, with clients that stay and clients that leave. */
import { describe, expect, it } from 'vitest';
import type { WireClient } from '../../../src/conformance/wire-client.ts';
import { until } from '../../bridges/site.ts';
import { expectAlike, type Visitor } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const program = expressProgram((app, trail) => {
  const listeners = new Set<(text: string) => void>();
  app.get('/events', (req, res) => {
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', Connection: 'keep-alive' });
    res.flushHeaders();
    const lastId = req.get('Last-Event-ID');
    if (lastId !== undefined) res.write(`: after ${lastId}\n\n`);
    const listener = (text: string): void => void res.write(`data: ${text}\n\n`);
    listeners.add(listener);
    trail.push('subscribed');
    req.on('close', () => {
      listeners.delete(listener);
      trail.push(`left, ${listeners.size} remain`);
    });
    res.on('close', () => trail.push(`closed ${res.writableEnded} ${res.writableFinished} ${res.destroyed}`));
  });
  app.get('/poll', (req, res) => {
    const timer = setTimeout(() => res.sendStatus(204), Number(req.query.for));
    const listener = (text: string): void => {
      clearTimeout(timer);
      listeners.delete(listener);
      res.json({ text });
    };
    listeners.add(listener);
    trail.push('polling');
    res.on('close', () => {
      clearTimeout(timer);
      trail.push(`poll closed ${res.writableFinished}`);
    });
  });
  app.post('/send/:text', (req, res) => {
    for (const listener of listeners) listener(req.params.text);
    res.json(listeners.size);
  });
});

async function readEvents(client: WireClient, visitor: Visitor, end: string): Promise<void> {
  let text = '';
  while (!text.endsWith(end)) text += `${await client.readChunk()}`;
  visitor.note(text);
}

describe('server-sent events', () => {
  it('arrive one by one at every client', async () => {
    const { text, trail } = await expectAlike(
      program,
      async (visitor) => {
        const clients = [visitor.open(), visitor.open()];
        for (const [index, client] of clients.entries()) {
          client.send(`GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: ${index}\r\n\r\n`);
          await until(() => visitor.trail.filter((line) => line === 'subscribed').length > index);
          visitor.note((await client.readHead()).raw);
        }
        for (const word of ['one', 'two', 'three']) {
          await visitor.fetch({ method: 'POST', target: `/send/${word}` });
          for (const client of clients) await readEvents(client, visitor, `data: ${word}\n\n`);
        }
        clients[0]?.reset();
        await visitor.seen('left, 1 remain');
        await visitor.fetch({ method: 'POST', target: '/send/four' });
        if (clients[1] !== undefined) await readEvents(clients[1], visitor, 'data: four\n\n');
        clients[1]?.destroy();
        await visitor.seen('left, 0 remain');
        await until(() => visitor.trail.filter((line) => line.startsWith('closed')).length === 2);
      },
      { isSeparate: true },
    );
    expect(text).toContain(': after 1\n\n');
    expect(trail.filter((line) => line === 'closed false false true')).toHaveLength(2);
  });

  it('work over HTTP/1.0', async () => {
    const { text } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send('GET /events HTTP/1.0\r\nLast-Event-ID: 7\r\n\r\n');
        visitor.note((await client.readHead()).raw);
        visitor.note(`${await client.readOctets(11)}`);
        await visitor.fetch({ method: 'POST', target: '/send/x' });
        visitor.note(`${await client.readOctets(9)}`);
        client.destroy();
        await visitor.seen('closed');
      },
      // node:http sends the app's `keep-alive` and closes; our server sends what it does (docs/http.md).
      { isSeparate: true, masks: [/^(Connection: )\S+/gm] },
    );
    expect(text).toContain('data: x');
  });
});

describe('long polling', () => {
  it('ends with an event, after its time, or when the client leaves', async () => {
    const { trail, responses } = await expectAlike(
      program,
      async (visitor) => {
        const waiting = visitor.open();
        waiting.send('GET /poll?for=4000 HTTP/1.1\r\nHost: a\r\n\r\n');
        await visitor.seen('polling');
        await visitor.fetch({ method: 'POST', target: '/send/news' });
        await visitor.read(waiting);
        // Same connection, but nothing happens.
        waiting.send('GET /poll?for=30 HTTP/1.1\r\nHost: a\r\n\r\n');
        await visitor.read(waiting);
        waiting.send('GET /poll?for=4000 HTTP/1.1\r\nHost: a\r\n\r\n');
        await until(() => visitor.trail.filter((line) => line === 'polling').length === 3);
        waiting.destroy();
        await visitor.seen('poll closed false');
      },
      { isSeparate: true },
    );
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 204]);
    const step = ['polling', 'poll closed true'];
    expect(trail).toEqual([...step, ...step, 'polling', 'poll closed false']);
  });
});
