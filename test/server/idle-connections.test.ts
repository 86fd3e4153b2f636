/**
 * Ten thousand idle connections need no timer each, and one cheap clock watches them all.
 *
 * Timers are counted where node makes them, including unref'd ones. The cost is printed, not checked: hardware
 * differs.
 */
import { createHook } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { hello, startServer } from './support.ts';

const CONNECTIONS = 10_000;
const OBSERVED = 2000;

/** Processor time in microseconds that this process uses while it is idle. */
async function idleCost(): Promise<number> {
  const before = process.cpuUsage();
  await delay(OBSERVED);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

it('costs a server no timer and little time', { timeout: 60_000 }, async () => {
  const running = await startServer(hello, { keepAliveTimeout: 600_000 });
  let timers = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'Timeout') timers += 1;
    },
  });
  const { port } = running.server.address() as AddressInfo;
  const program = join(import.meta.dirname, 'idle-clients-program.ts');
  const quiet = await idleCost();
  hook.enable();
  const clients = spawn(process.execPath, ['--import', 'tsx', program, String(port), String(CONNECTIONS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(clients.stdout, 'data');
    hook.disable();
    expect(await connectionCount(running.server)).toBe(CONNECTIONS);
    // One is the server's clock; the others belong to the test runner.
    expect(timers).toBeLessThan(100);
    const looks = OBSERVED / running.server.connectionsCheckingInterval;
    const cost = (await idleCost()) - quiet;
    console.log(`${CONNECTIONS} idle connections: ${timers} timers, ${Math.round(cost / looks)} µs a look`);
  } finally {
    clients.kill();
    await once(clients, 'exit');
    await running.stop();
  }
});

function connectionCount(server: {
  getConnections(callback: (error: Error | null, count: number) => void): unknown;
}) {
  return new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
