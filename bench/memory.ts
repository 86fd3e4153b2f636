/** Measures the memory of ten thousand idle connections, each kept alive after one request. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { programPath } from './installation.ts';
import { pinned } from './processors.ts';
import type { MeasurementSettings } from './round.ts';
import { startServer, track } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';

const SERVERS = ['node:http', 'gatebridge'] as const;
const CONNECTIONS = 10_000;
/** Descriptors that a process needs for other things. */
const RESERVE = 200;
/** Long enough to open all: with the default, the first would time out before the last is open. */
const IDLE_MILLISECONDS = 120_000;

export interface Memory {
  readonly connections: number;
  /** Octets for each connection. */
  readonly servers: ReadonlyMap<string, { readonly resident: Spread; readonly heap: Spread }>;
}

/** Measures the servers in turn. */
export async function measureMemory(settings: MeasurementSettings): Promise<Memory> {
  const connections = Math.min(CONNECTIONS, descriptorLimit() - RESERVE);
  const found = new Map(SERVERS.map((name) => [name, { resident: [] as number[], heap: [] as number[] }]));
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const name of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
      const { resident, heap } = await measureServer(name, connections, settings.node);
      found.get(name)?.resident.push(resident);
      found.get(name)?.heap.push(heap);
      settings.onProgress(
        `${round + 1}/${settings.rounds} memory, octets: ${name} ${resident.toFixed(0)} resident`,
      );
    }
  }
  const servers = [...found].map(
    ([name, { resident, heap }]) => [name, { resident: spread(resident), heap: spread(heap) }] as const,
  );
  return { connections, servers: new Map(servers) };
}

async function measureServer(name: string, connections: number, node: string) {
  const server = await startServer(name, node, ['--expose-gc']);
  try {
    await server.ask({ ask: 'idle', milliseconds: IDLE_MILLISECONDS });
    // The first requests load code and memory that later ones share.
    await (await openConnections(server.port, 100))();
    const before = await server.usage(true);
    const close = await openConnections(server.port, connections);
    const after = await server.usage(true);
    await close();
    if (after.connections < connections) {
      throw new Error(`${name} has ${after.connections} connections instead of ${connections}`);
    }
    return {
      resident: (after.resident - before.resident) / connections,
      heap: (after.heap - before.heap) / connections,
    };
  } finally {
    await server.stop();
  }
}

/** Opens connections; returns a function that closes them. */
async function openConnections(port: number, connections: number): Promise<() => Promise<void>> {
  const options = JSON.stringify({ port, connections });
  const [command, args] = pinned('load', [process.execPath, programPath('loads/idle'), options]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  track(child);
  const ended = once(child, 'exit');
  const failed = ended.then(([code]) => {
    throw new Error(`Client of idle connections has ended with ${code}`);
  });
  const [output] = await Promise.race([once(child.stdout, 'data'), failed]);
  failed.catch(() => {});
  const opened: { connections: number } = JSON.parse(String(output));
  if (opened.connections < connections) throw new Error(`Only ${opened.connections} connections are open`);
  return async () => {
    child.stdin.end();
    await ended;
  };
}

/** Returns the hard limit, to which Node raises its own (since 14). */
function descriptorLimit(): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  const limit = Number(stdout);
  return Number.isInteger(limit) && limit > 0 ? limit : CONNECTIONS + RESERVE;
}
