/** Measures the memory of ten thousand idle connections, each kept alive after one request: a hello, or a POST with content. */
import { spawnSync } from 'node:child_process';
import { startClient } from './load-process.ts';
import type { MeasurementSettings } from './round.ts';
import { startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';

const SERVERS = ['node:http', 'gatebridge'] as const;
const CONNECTIONS = 10_000;
/** Descriptors that a process needs for other things. */
const RESERVE = 200;
/** Long enough to open all: with the default, the first would time out before the last is open. */
const IDLE_MILLISECONDS = 120_000;

/** The request after which a connection rests. */
export const REQUESTS = { hello: 0, 'POST of 40 KB': 40_000 } as const;

export type RequestName = keyof typeof REQUESTS;

export interface Memory {
  readonly connections: number;
  readonly request: RequestName;
  /** Octets for each connection. */
  readonly servers: ReadonlyMap<string, { readonly resident: Spread; readonly heap: Spread }>;
}

/** Measures the servers in turn. */
export async function measureMemory(request: RequestName, settings: MeasurementSettings): Promise<Memory> {
  const connections = Math.min(CONNECTIONS, descriptorLimit() - RESERVE);
  const found = new Map(SERVERS.map((name) => [name, { resident: [] as number[], heap: [] as number[] }]));
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const name of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
      const { resident, heap } = await measureServer(
        name,
        { connections, content: REQUESTS[request] },
        settings.node,
      );
      found.get(name)?.resident.push(resident);
      found.get(name)?.heap.push(heap);
      settings.onProgress(
        `${round + 1}/${settings.rounds} memory after ${request}, octets: ${name} ${resident.toFixed(0)} resident`,
      );
    }
  }
  const servers = [...found].map(
    ([name, { resident, heap }]) => [name, { resident: spread(resident), heap: spread(heap) }] as const,
  );
  return { connections, request, servers: new Map(servers) };
}

async function measureServer(name: string, options: { connections: number; content: number }, node: string) {
  const { connections } = options;
  const server = await startServer(name, node, ['--expose-gc']);
  try {
    await server.ask({ ask: 'idle', milliseconds: IDLE_MILLISECONDS });
    // The first requests load code and memory that later ones share.
    await (await openConnections({ ...options, port: server.port, connections: 100 }))();
    const before = await server.usage(true);
    const close = await openConnections({ ...options, port: server.port });
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
async function openConnections(options: { port: number; connections: number; content: number }) {
  const client = await startClient('idle', options);
  const opened = client.opened.connections ?? 0;
  if (opened < options.connections) throw new Error(`Only ${opened} connections are open`);
  return () => client.end();
}

/** Returns the hard limit, to which Node raises its own (since 14). */
function descriptorLimit(): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  const limit = Number(stdout);
  return Number.isInteger(limit) && limit > 0 ? limit : CONNECTIONS + RESERVE;
}
