/** @socket.io/sticky gives workers sockets, and then the octets that it has read from them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { describe, expect, it, onTestFinished } from 'vitest';

describe.each(['node', 'ours'])('workers with servers: %s', (kind) => {
  it('serve requests, polling and WebSockets', { timeout: 60_000 }, async () => {
    const program = new URL('sticky-program.ts', import.meta.url).pathname;
    const cluster = spawn(process.execPath, ['--import', 'tsx', program, kind], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void cluster.kill());
    const [line] = await once(cluster.stdout, 'data');
    const url = `http://127.0.0.1:${Number(line)}`;
    expect(await (await fetch(url)).text()).toBe('Hello');
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const client = io(url, { transports, reconnection: false });
      onTestFinished(() => void client.disconnect());
      expect(await client.timeout(5000).emitWithAck('question', 'hello')).toBe('echo hello');
    }
  });
});
