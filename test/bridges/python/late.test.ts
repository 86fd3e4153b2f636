/** What an application keeps of a request that has ended reaches no other request, and stops none. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PYTHON } from './places.ts';
import { HOSTS, python, type Site, until } from './python-site.ts';

let site: Site;

beforeEach(async () => {
  const application = python({ application: 'late:app', timeout: 5_000 });
  await application.ready();
  const serve = HOSTS['standalone server'];
  if (serve === undefined) throw new Error('It is one of the hosts');
  site = await serve(application);
}, 60_000);

async function get(path: string): Promise<string> {
  return (await fetch(`${site.url}/${path}`)).text();
}

/** Begins to post 100 octets, and waits for a text in the response. */
async function post(path: string, awaited: string, rest = ''): Promise<void> {
  const { hostname, port } = new URL(site.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (octets) => {
    text += octets;
  });
  socket.write(`POST /${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome`);
  if (rest === '') await until(() => text.endsWith(awaited), 'the response');
  else await until(() => text.length > 4_000_000, 'the first part of the response');
  if (rest !== '') socket.write(rest);
  await until(() => text.endsWith(awaited), 'the response');
  socket.destroy();
  await once(socket, 'close');
}

describe('a later request gets nothing of an earlier one', () => {
  it('by a write function and an input that were kept', async () => {
    await get('keep');
    expect(await get('use')).toBe('own');
    expect(await get('late')).toBe("LateCall,b''");
  });

  it('by a thread that writes on', async () => {
    expect(await get('thread-writes')).toMatch(/^(of another)*begun$|^begun/);
    const seen = new Set<string>();
    for (let count = 0; count < 50; count += 1) seen.add(String(Number(await get('pid')) > 0));
    expect([...seen]).toEqual(['true']);
    expect(await get('late')).toBe('LateCall');
  });

  it.each(['returns', 'writes', 'raises'])('by a fork that %s', async (way) => {
    for (let count = 0; count < 3; count += 1) expect(await get(`fork?${way}`)).toBe('of the parent');
    expect(Number(await get('pid'))).toBeGreaterThan(0);
  });
});

it('a thread that waits for content takes no later request away', async () => {
  for (let count = 0; count < 3; count += 1) {
    await post('thread-reads', 'early');
    expect(Number(await get('pid'))).toBeGreaterThan(0);
    await until(async () => (await get('late')) === 'LateCall', 'the end of the read');
  }
});

it('a thread that waits for content does not hold up the response', async () => {
  await post('thread-reads-on', '   100', 'x'.repeat(96));
});

it('a fork keeps no socket of its parent that dies', async () => {
  const begin = Date.now();
  const response = await fetch(`${site.url}/fork-and-die`);
  expect([response.status, Date.now() - begin < 1_500]).toEqual([502, true]);
});

it.each(['EOFError', 'ValueError'])(
  'an exception whose text raises %s is a failure like others',
  async (name) => {
    const before = await get('pid');
    expect((await fetch(`${site.url}/mute?${name}`)).status).toBe(500);
    expect(site.errors()).toContain(`Mute: its message cannot be shown: ${name}`);
    expect(await get('pid')).toBe(before);
  },
);

it('signals that come together stop no worker', async () => {
  expect(await get('signals')).toBe('alive');
});

it.each(['reads-in-close', 'reads-after-end'])(
  'a read behind the response fails at once: %s',
  async (path) => {
    const before = await get('pid');
    const response = await fetch(`${site.url}/${path}`, { method: 'POST', body: Buffer.alloc(1_000_000) });
    expect(await response.text()).toBe('early');
    await until(async () => (await get('late')) === 'ClientLeft', 'the end of the read');
    expect(await get('pid')).toBe(before);
  },
);

it('an abort counts that has come together with other frames', () => {
  const program = `
import socket, sys, threading
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../../bridges/python'))})
import gatebridge_worker as worker
ours, theirs = socket.socketpair()
lane = worker.Lane(ours, type("Worker", (), {"threading": threading}))
exchange = worker.Exchange(lane, True)
theirs.sendall(worker.frame(b"K", (7).to_bytes(4, "big")) + worker.frame(b"A", b""))
lane.take_frame(exchange, lambda: True)
lane.take_ready_frames(exchange)
print(exchange.is_aborted)
`;
  expect(execFileSync(PYTHON, ['-c', program], { encoding: 'utf8' })).toBe('True\n');
});
