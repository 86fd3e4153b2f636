/**
 * Flask on gunicorn behind a proxy in Express, with connections that are kept on both sides: by default neither keeps them, which costs
 * more.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { type Contender, listenOn } from './contender.ts';
import { WORKERS, writeApplication } from './flask-app.ts';

let gunicorn = 0;

export const contender: Contender = {
  pids: () => [gunicorn, ...childrenOf(gunicorn)],
  async listen() {
    const probe = await listenOn(createServer());
    // A TCP server has such an address.
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    // The shell ends it with this process, whose death ends its input.
    const command = `gunicorn -w ${WORKERS} -k gthread -b 127.0.0.1:${port} --log-level error hello_site:app & echo $!; read -r end; kill $!; wait`;
    const shell = spawn('/bin/sh', ['-c', command], {
      cwd: writeApplication(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    gunicorn = Number(await new Promise((resolve) => shell.stdout.once('data', resolve)));
    while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50));
    const app = express();
    app.use(
      createProxyMiddleware({
        target: `http://127.0.0.1:${port}`,
        agent: new Agent({ keepAlive: true }),
        on: {
          // So that all send the same fields.
          proxyRes(answer, _request, response) {
            delete answer.headers.server;
            delete answer.headers.connection;
            response.setHeader('Keep-Alive', 'timeout=5');
          },
        },
      }),
    );
    return listenOn(createServer(app));
  },
};

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}
