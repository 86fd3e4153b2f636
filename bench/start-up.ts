/** Measures start-up: from the start of a process to its first answer, and the part that loading modules takes. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { MeasurementSettings } from './round.ts';
import { startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';

const SERVERS = [
  'node:http',
  'gatebridge',
  'express',
  'express on gatebridge',
  'fastify',
  'fastify on gatebridge',
];
/** Starts vary more than requests do. */
const STARTS_A_ROUND = 3;

export interface StartUp {
  /** Milliseconds. */
  readonly servers: ReadonlyMap<
    string,
    { readonly answer: Spread; readonly cpu: Spread; readonly load: Spread }
  >;
}

/** Starts the servers in turn. */
export async function measureStartUp(settings: MeasurementSettings): Promise<StartUp> {
  const found = new Map(
    SERVERS.map((name) => [name, { answer: [] as number[], cpu: [] as number[], load: [] as number[] }]),
  );
  for (let round = 0; round < settings.rounds * STARTS_A_ROUND; round += 1) {
    for (const name of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
      const { answer, cpu, load } = await start(name, settings.node);
      found.get(name)?.answer.push(answer);
      found.get(name)?.cpu.push(cpu);
      found.get(name)?.load.push(load);
    }
  }
  settings.onProgress(`start-up: ${settings.rounds * STARTS_A_ROUND} starts of each`);
  const servers = [...found].map(
    ([name, { answer, cpu, load }]) =>
      [name, { answer: spread(answer), cpu: spread(cpu), load: spread(load) }] as const,
  );
  return { servers: new Map(servers) };
}

async function start(name: string, node: string) {
  const begun = performance.now();
  const server = await startServer(name, node);
  try {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
    await once(socket, 'data');
    const answer = performance.now() - begun;
    socket.destroy();
    return { answer, cpu: (await server.usage()).cpu / 1000, load: server.loadTime };
  } finally {
    await server.stop();
  }
}
