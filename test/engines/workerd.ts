/** Runs a worker in workerd, with its default entry at one port and the entry `control` at another. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { WORKERD } from './engines.ts';

/** A worker that runs, or is about to. */
export interface RunningWorker {
  /** The ports of its entries. */
  readonly http: number;
  readonly control: number;
  stop(): Promise<void>;
}

/**
 * Starts a worker.
 *
 * @param entry Its module
 * @param platform For which esbuild makes a bundle
 */
export async function startWorker(entry: string, platform: 'neutral' | 'node'): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-workerd-'));
  const worker = { bundle: true, format: 'esm', platform, target: 'es2022' } as const;
  await build({
    ...worker,
    entryPoints: [entry],
    external: ['node:*'],
    // Modules that find files beside them are not for workers.
    logOverride: { 'empty-import-meta': 'silent' },
    outfile: join(folder, 'worker.js'),
  });
  const http = await freePort();
  const control = await freePort();
  writeFileSync(join(folder, 'config.capnp'), config(http, control));
  const child = spawn(WORKERD, ['serve', 'config.capnp'], { cwd: folder, stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    // It waits for requests after SIGTERM.
    if (child.kill('SIGKILL')) await once(child, 'close');
    rmSync(folder, { recursive: true, force: true });
  };
  return { http, control, stop };
}

function config(http: number, control: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${http}", http = (), service = "main"),
    (name = "control", address = "127.0.0.1:${control}", http = (), service = (name = "main", entrypoint = "control")),
  ],
);
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
