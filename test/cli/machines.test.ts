/** Two hosts behind HAProxy, each on a machine of its own, as in examples/deployment/haproxy.cfg: drained, killed, cut off. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, type TestContext, vi } from 'vitest';
import { requirePeer } from '../support/peer.ts';
import { Command, projectFolder } from './command.ts';
import { Laboratory, signal } from './machines.ts';
import { RemoteClients } from './remote-clients.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../examples/deployment/haproxy.cfg'), 'utf8');

/** `npm run tour` takes the times of the example as they are, and several rounds. */
const isTour = process.env.TOUR === '1';
vi.setConfig({ testTimeout: isTour ? 900_000 : 90_000 });
const ROUNDS = isTour ? 2 : 1;
const CLIENTS = isTour ? 24 : 8;
const WORKERS = isTour ? 2 : 1;

/** The addresses of the example, whose proxy listens on port 8080 of every address. */
const MACHINES = { one: '10.0.0.1', two: '10.0.0.2', proxy: '10.0.0.3', client: '10.0.0.4' };
const PLACE = { host: MACHINES.proxy, port: 8080 };

/** Tells its host and its version. */
const APP = `
import { setTimeout as delay } from 'node:timers/promises';
export async function app(environ, startResponse) {
  await environ['wsgi.input'].read();
  await delay(Math.random() * 20);
  startResponse('200 OK', []);
  return [process.env.VERSION];
}`;

/** The file of the example; the suite has less time. */
function configuration(): string {
  const text = EXAMPLE.replace('timeout server 60s', `timeout server ${isTour ? 10 : 4}s`);
  // A busy machine may answer late.
  return isTour
    ? text
    : text.replace('inter 1s', 'inter 100ms').replace('connect 1s', 'connect 300ms\n  timeout check 3s');
}

/** The arguments in its first line; the suite has less time. */
function args(): string[] {
  const words = /^# gatebridge (.*)$/m.exec(EXAMPLE)?.[1]?.split(' ') ?? [];
  const text = words.join('\n').replace('auto', String(WORKERS));
  return (isTour ? text : text.replace('5s', '600ms\n--drain-grace\n500ms')).split('\n');
}

interface Host {
  readonly command: Command;
  readonly content: string;
}

/** Machines with HAProxy on one of them. */
class Fleet {
  readonly laboratory: Laboratory;
  readonly #folder = projectFolder({ 'app.js': APP });
  readonly hosts = new Map<string, Host>();
  #version = 0;

  private constructor(laboratory: Laboratory) {
    this.laboratory = laboratory;
  }

  static async build(context: TestContext): Promise<Fleet> {
    const haproxy = requirePeer(context, 'haproxy');
    const fleet = new Fleet(await Laboratory.build(context, MACHINES));
    const file = join(fleet.#folder, 'haproxy.cfg');
    writeFileSync(file, configuration());
    await Promise.all(['one', 'two'].map((name) => fleet.start(name)));
    fleet.#spawn('proxy', haproxy, '-db', '-f', file);
    return fleet;
  }

  /** Starts a host; its answers tell the name and a new version. */
  async start(name: string): Promise<Host> {
    this.#version += 1;
    const content = `${name} ${this.#version}`;
    const within = this.laboratory.on(name, this.#folder);
    const command = new Command([...args(), '--no-access-log'], {
      folder: this.#folder,
      env: { VERSION: content },
      within,
    });
    await command.says(/Ctrl\+C to stop/);
    const host = { command, content };
    this.hosts.set(name, host);
    return host;
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`${name} was not started`);
    return host;
  }

  /** Starts clients, and waits until both hosts answer. */
  async load(): Promise<RemoteClients> {
    const clients = new RemoteClients(this.laboratory.on('client'), PLACE, CLIENTS);
    await this.areServing(clients);
    return clients;
  }

  async areServing(clients: RemoteClients): Promise<void> {
    for (const { content } of this.hosts.values()) await clients.sees(content);
  }

  #spawn(machine: string, ...words: readonly string[]): ChildProcess {
    const [program = '', ...more] = [...this.laboratory.on(machine), ...words];
    const child = spawn(program, more, { stdio: 'ignore' });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return child;
  }
}

/**
 * Only what was on the connections of a host is lost: one request of each client at most, and one more of a client that came to
 * another worker before that was killed too. HAProxy says 503 for one that it could not send.
 */
function expectFewLost(failures: readonly string[]): void {
  expect(failures.length, failures.join('; ')).toBeLessThanOrEqual(CLIENTS * WORKERS);
  expect(failures.filter((failure) => !/status 50[24]|ECONNRESET|socket hang up/.test(failure))).toEqual([]);
}

it('a host of two is drained and reloaded without a failed request; killed or cut off it loses what was on its connections', async (context) => {
  const fleet = await Fleet.build(context);
  const { laboratory } = fleet;
  const clients = await fleet.load();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of isTour ? ['one', 'two'] : ['one']) {
      const { command } = fleet.host(name);
      const since = command.stderr.length;
      signal(command.child, 'SIGHUP');
      await command.says(/Reloaded/, since);
      signal(command.child, 'SIGTERM');
      expect(await command.exit).toEqual({ code: 0, signal: null });
      await clients.served(50);
      await fleet.start(name);
      await fleet.areServing(clients);
    }
  }
  expect(clients.counts.failures).toEqual([]);

  for (let round = 0; round < ROUNDS; round += 1) {
    const name = round % 2 === 0 ? 'two' : 'one';
    const failuresOf = async (disturb: () => Promise<void>): Promise<readonly string[]> => {
      const before = clients.counts.failures.length;
      await disturb();
      await fleet.areServing(clients);
      return clients.counts.failures.slice(before);
    };
    const ofKilled = await failuresOf(async () => {
      await laboratory.kill(name);
      await clients.served(100);
      await fleet.start(name);
    });
    const ofCutOff = await failuresOf(async () => {
      await laboratory.setLink(name, 'down');
      await clients.served(100);
      await laboratory.setLink(name, 'up');
    });
    expectFewLost(ofKilled);
    expectFewLost(ofCutOff);
    if (isTour)
      console.info(`Lost by ${CLIENTS} clients: killed ${ofKilled.length}, cut off ${ofCutOff.length}`);
  }
  const { served } = await clients.stop();
  if (isTour) console.info(`Served ${served}`);
});
