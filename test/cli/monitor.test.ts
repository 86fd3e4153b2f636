/** Metrics, health and the end that health announces. */
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parsePrometheusText } from '../server/prometheus-text.ts';
import { Command, HELLO, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 20_000, interval: 100 });

async function start(args: readonly string[], app = HELLO) {
  const folder = projectFolder({ 'app.js': app });
  const command = new Command(['app.js', '-p', '0', '--no-access-log', ...args], { folder });
  await command.says(/Ctrl\+C to stop/);
  const monitor = /Metrics and health at (\S+)/.exec(command.stderr)?.[1] ?? '';
  const url = /listen +(http:\S+)/.exec(command.stderr)?.[1] ?? '';
  return { command, folder, monitor, url };
}

/** The sum of the samples of a metric. */
async function count(monitor: string, name: string): Promise<number> {
  const response = await fetch(`${monitor}metrics`);
  expect(response.headers.get('content-type')).toContain('version=0.0.4');
  const { samples = [] } = parsePrometheusText(await response.text()).get(name) ?? {};
  return samples.reduce((sum, { value }) => sum + value, 0);
}

describe.each([
  ['one process', []],
  ['workers', ['--workers', '2']],
])('of %s', (_name, args) => {
  it('counts requests of all processes', async () => {
    const { monitor, url } = await start([...args, '--metrics-bind', '127.0.0.1:0']);
    await Promise.all(
      Array.from({ length: 10 }, async () => (await fetch(url, { headers: { connection: 'close' } })).text()),
    );
    expect(await count(monitor, 'gatebridge_requests_total')).toBe(10);
    expect(await count(monitor, 'gatebridge_processes')).toBe(args.length === 0 ? 1 : 2);
    expect(await count(monitor, 'gatebridge_process_resident_memory_bytes')).toBeGreaterThan(20_000_000);
    expect((await fetch(`${monitor}other`)).status).toBe(404);
  });

  it('says by its health that it stops, and serves on for --drain-delay', async () => {
    const { command, monitor, url } = await start([
      ...args,
      ...['--metrics-bind', '127.0.0.1:0', '--health-path', '/up', '--drain-delay', '3s'],
    ]);
    const health = async (): Promise<number[]> => [
      (await fetch(`${monitor}health`)).status,
      (await fetch(`${url}up`, { headers: { connection: 'close' } })).status,
    ];
    expect(await health()).toEqual([200, 200]);
    command.kill('SIGTERM');
    await eventually(health).toEqual([503, 503]);
    expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).toBe(
      'Hello from the root/',
    );
    expect(await command.exit).toEqual({ code: 0, signal: null });
  });
});

it.each([[[]], [['--workers', '2']]])('a second signal ends --drain-delay at once: %j', async (args) => {
  const { command } = await start([...args, '--drain-delay', '50s']);
  command.kill('SIGTERM');
  await command.says(/a second signal forces/);
  command.kill('SIGTERM');
  const late = new Promise((resolve) => setTimeout(() => resolve('late'), 15_000).unref());
  expect(await Promise.race([command.exit, late])).toEqual({ code: 1, signal: null });
});

describe('with workers', () => {
  it('keeps the counts of workers that have ended', async () => {
    const { command, monitor, url } = await start(['--workers', '1', '--metrics-bind', '127.0.0.1:0']);
    await fetch(url);
    command.kill('SIGHUP');
    await command.says(/Reloaded/);
    await fetch(url);
    await eventually(() => count(monitor, 'gatebridge_requests_total')).toBe(2);
  });

  it('listens on a unix socket too', async () => {
    const { folder } = await start(['--workers', '1', '--metrics-bind', 'unix:monitor.sock']);
    const socketPath = join(folder, 'monitor.sock');
    expect(existsSync(socketPath)).toBe(true);
    const status = await new Promise((resolve, reject) => {
      get({ socketPath, path: '/health' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
  });

  it('tells of slow requests and of an event loop that is held up', async () => {
    const app = `
      export async function app(environ, startResponse) {
        if (environ.PATH_INFO === '/slow') await new Promise((r) => setTimeout(r, 1500));
        if (environ.PATH_INFO === '/busy') for (const end = Date.now() + 800; Date.now() < end; );
        startResponse('200 OK', []);
        return ['x'];
      }`;
    const { command, url } = await start(['--slow-request', '500ms', '--event-loop-delay', '300ms'], app);
    await fetch(`${url}slow`);
    await command.says(/\/slow/);
    await fetch(`${url}busy`);
    await command.says(/[Ee]vent loop/);
  });
});
