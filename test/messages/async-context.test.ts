/** AsyncLocalStorage in a wrapped program: its events keep the context of the call, and requests never share one. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { turns } from './program.ts';
import { listenNode, listenOurs, request, transcript, until } from './side-by-side.ts';

const storage = new AsyncLocalStorage<string>();

/** Notes the context of each event. The target of the request selects what the program does. */
function program(seen: Map<string, unknown>): RequestListener {
  return (req, res) => {
    const target = String(req.url);
    const note = (what: string): unknown => seen.set(`${target} ${what}`, storage.getStore());
    note('call');
    storage.run(target, () => {
      for (const event of ['end', 'close']) req.on(event, () => note(`req ${event}`));
      for (const event of ['prefinish', 'finish', 'close']) res.on(event, () => note(`res ${event}`));
      if (target.includes('read')) req.on('data', () => note('req data'));
      req.socket.once('close', () => note('socket close'));
      const answer = (): void => {
        res.write('x'.repeat(target.includes('long') ? 300_000 : 3), () => note('callback'));
        res.end('y');
      };
      if (target.includes('later')) setTimeout(answer, 3);
      else answer();
    });
  };
}

const KEPT = (target: string): string =>
  request('POST', target, [], 'hello').replace('Connection: close\r\n', '');

describe('the context of a wrapped program', () => {
  it.each(['/now', '/later', '/now/read', '/later/read', '/now/long', '/later/long'])(
    'is kept wherever node:http keeps it: %s',
    async (target) => {
      const [expected, actual] = [new Map<string, unknown>(), new Map<string, unknown>()];
      const [node, ours] = [await listenNode(program(expected)), await listenOurs(fromNode(program(actual)))];
      for (const server of [node, ours]) {
        await transcript(server, request('POST', target, [], 'hello'));
        await turns(6);
        await server.close();
      }
      expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [event, context] of expected)
        if (context !== undefined) expect(actual.get(event)).toBe(context);
      expect(actual.get(`${target} res finish`)).toBe(target);
    },
  );

  it.each(['/now', '/later', '/now/read', '/later/long'])(
    'differs from that of every other request: %s',
    async (target) => {
      const seen = new Map<string, unknown>();
      const server = await listenOurs(fromNode(program(seen)));
      const get = `GET ${target}/3 HTTP/1.1\r\nHost: a\r\n\r\n`;
      const finished = (number: number) => () => until(() => seen.has(`${target}/${number} res finish`));
      const atOnce = KEPT(`${target}/1`) + KEPT(`${target}/2`) + get;
      await transcript(server, atOnce, finished(3), KEPT(`${target}/4`), finished(4), 'end');
      for (const number of [1, 2, 3, 4]) {
        expect(seen.has(`${target}/${number} call`)).toBe(true);
        expect(seen.get(`${target}/${number} call`)).toBe(undefined);
        expect(seen.get(`${target}/${number} res finish`)).toBe(`${target}/${number}`);
      }
      await server.close();
    },
  );
});
