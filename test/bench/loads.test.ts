/** Tests the parts of the load that do not need a quiet machine: scripts of wrk, readers of answers, and which runtime runs what. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { engineOf, withoutMissing } from '../../bench/engines.ts';
import { warmUpsOf } from '../../bench/load.ts';
import { Answers } from '../../bench/loads/answers.ts';
import { CONTENDERS } from '../../bench/servers/contenders.ts';
import { WORK } from '../../bench/work-table.ts';
import { luaScript } from '../../bench/wrk-script.ts';

const engines = vi.hoisted(() => ({ list: [] as object[] }));
vi.mock('../../test/engines/engines.ts', () => ({
  get ENGINES() {
    return engines.list;
  },
}));

const BUN = { name: 'Bun', program: process.execPath, run: ['run'] };
const DENO = { name: 'Deno', program: '/missing/deno', run: ['run'] };

afterEach(() => {
  engines.list = [];
});

describe('runtimes', () => {
  it.each([
    ['Bun.serve', 'Bun'],
    ['express on Bun', 'Bun'],
    ['Deno.serve', 'Deno'],
    ['hono on Deno', 'Deno'],
    ['express on gatebridge', undefined],
    ['node:http', undefined],
  ])('run %s on %s', (server, name) => {
    engines.list = [BUN, DENO];
    expect(engineOf(server)?.name).toBe(name);
  });

  it('run each contender with their name', () => {
    engines.list = [BUN, DENO];
    for (const name of Object.keys(CONTENDERS))
      expect(/Bun|Deno/.test(name)).toBe(engineOf(name) !== undefined);
  });

  it('that are missing are left out of servers and bars, aloud', () => {
    engines.list = [BUN, DENO];
    const say = vi.fn<(text: string) => void>();
    const [work] = withoutMissing(workNamed('express'), say);
    expect(work?.servers).toEqual(['express', 'express on gatebridge', 'express on Bun']);
    expect(say.mock.calls).toEqual([['SKIPPED: Deno is not installed: npm ci --prefix test/engines']]);
    engines.list = [{ ...BUN, program: '/missing/bun' }];
    const [without] = withoutMissing(workNamed('express'), say);
    expect(without?.bars.some(({ against }) => against === 'express on Bun')).toBe(false);
    expect(without?.bars.some(({ against }) => against === 'express')).toBe(true);
  });
});

describe('work', () => {
  it('of streams is warm after a time only', () => {
    for (const work of WORK) {
      expect(warmUpsOf(work)).toEqual(work.stream === undefined ? ['seconds', 'requests'] : ['seconds']);
    }
  });

  it('of a crowd has a number of connections for each server', () => {
    for (const { crowd, servers } of WORK) {
      if (crowd !== undefined) expect(Object.keys(crowd.connections).sort()).toEqual([...servers].sort());
    }
  });
});

describe('the script of wrk', () => {
  it('makes one request for one target', () => {
    expect(luaScript({ method: 'GET', path: '/', headers: [['A', 'b']] })).toBe(
      'wrk.method = "GET"\nwrk.headers["A"] = [==[b]==]',
    );
  });

  it('varies the target and values of headers by the same number', () => {
    const script = luaScript({
      method: 'GET',
      path: '/{number}/{number}',
      headers: [['Cookie', 'id={number}']],
    });
    expect(script).toContain('wrk.headers["Cookie"] = [==[id=]==] .. digits .. [==[]==]');
    expect(script).toContain('wrk.format(nil, [==[/]==] .. digits .. [==[/]==] .. digits .. [==[]==])');
    expect(script).toContain('for batch = 1, 4096 do');
  });
});

describe('the reader of answers', () => {
  it.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n', 'Hello, world'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'c\r\nHello, world\r\n0\r\n\r\n'],
  ])('finds the end of answers %s, wherever they are cut', async (_title, head, content) => {
    const octets = Buffer.from(head + content);
    for (let cut = 1; cut < octets.length; cut += 1) {
      const answers = new Answers(undefined, refuse);
      for (let answer = 0; answer < 2; answer += 1) {
        let isEnded = false;
        const ended = answers.next().then(() => {
          isEnded = true;
        });
        answers.take(cut, octets.subarray(0, cut));
        await Promise.resolve();
        expect(isEnded).toBe(false);
        answers.take(octets.length - cut, octets.subarray(cut));
        await ended;
      }
    }
  });

  it('refuses an answer that is no success', () => {
    const octets = Buffer.from('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n');
    expect(() => new Answers(undefined, refuse).take(octets.length, octets)).toThrow('500 No');
  });
});

function refuse(error: Error): never {
  throw error;
}

function workNamed(name: string) {
  return WORK.filter((work) => work.name === name);
}
