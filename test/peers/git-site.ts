/** A repository behind git-http-backend, on three hosts, and a git client with a home of its own. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express from 'express';
import fastify, { type FastifyPluginAsync } from 'fastify';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import type { Application, Environ } from '../../src/index.ts';
import { dispatch } from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';

const run = promisify(execFile);

/** The folder of a test. */
export class GitSite {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'gatebridge-git-'));
  /** The folder of the repositories on the server. */
  readonly root: string = join(this.folder, 'srv');
  readonly #git: string;

  constructor(git: string) {
    this.#git = git;
    mkdirSync(this.root);
  }

  /** Runs git in a folder. @throws with what it has said, if it fails */
  async git(cwd: string, ...parameters: string[]): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      HOME: this.folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@site.test',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@site.test',
    };
    const { stdout } = await run(this.#git, parameters, {
      cwd: join(this.folder, cwd),
      env,
      timeout: 60_000,
    });
    return stdout;
  }

  /** Makes a repository on the server, with one commit. */
  async create(name: string): Promise<void> {
    await this.git('', 'init', '--quiet', '--bare', '--initial-branch=main', join('srv', name));
    await this.git('', 'init', '--quiet', '--initial-branch=main', 'first');
    await this.commit('first', 'README', 'Hello from the repository\n');
    await this.git('first', 'push', '--quiet', join('..', 'srv', name), 'main');
  }

  /** Writes a file and commits it. */
  async commit(clone: string, file: string, content: string | Buffer): Promise<void> {
    writeFileSync(join(this.folder, clone, file), content);
    await this.git(clone, 'add', file);
    await this.git(clone, 'commit', '--quiet', '--message', `Add ${file}`);
  }

  /** Content that does not compress. */
  static noise(size: number): Buffer {
    return randomBytes(size);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The user that a request names by Basic authentication; whoever gives a name is believed. */
export function userIn(authorization: string | undefined): string | undefined {
  const credentials = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64').toString();
  return credentials.split(':')[0] || undefined;
}

/** An application at `/code` of a host that knows its users. */
export interface CodeHost {
  readonly name: string;
  /** @param beside Other applications of the host, by the paths of their mounts */
  serve(
    application: Application,
    beside?: Readonly<Record<string, Application>>,
  ): Promise<{ readonly url: string; close(): Promise<unknown> }>;
}

async function listen(server: Server, close?: () => Promise<unknown>): ReturnType<CodeHost['serve']> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/code`;
  return { url, close: close ?? (async () => once(server.close(), 'close')) };
}

/** The hosts. */
export const CODE_HOSTS: readonly CodeHost[] = [
  {
    name: 'the standalone server',
    async serve(application, beside = {}) {
      const environ = (received: Environ) => ({ REMOTE_USER: userIn(received.HTTP_AUTHORIZATION) });
      const server = createServer(dispatch({ ...beside, '/code': application }), { environ });
      return listen(server, () => server.shutdown({ timeout: 1_000 }));
    },
  },
  {
    name: 'an Express mount',
    async serve(application, beside = {}) {
      const app = express();
      for (const [mount, other] of Object.entries(beside)) app.use(mount, toExpress(other));
      app.use((request, response, next) => {
        response.locals.user = userIn(request.get('Authorization'));
        next();
      });
      // Set above.
      const userOf = (environ: Environ) => (environ['express.res'] as express.Response).locals.user;
      app.use('/code', toExpress(application, { environ: (environ) => ({ REMOTE_USER: userOf(environ) }) }));
      return listen(createHttpServer(app));
    },
  },
  {
    name: 'a Fastify prefix',
    async serve(application, beside = {}) {
      const instance = fastify({ forceCloseConnections: true });
      instance.decorateRequest('user', undefined);
      instance.addHook('onRequest', async (request) => {
        Object.assign(request, { user: userIn(request.headers.authorization) });
      });
      // Set above.
      const userOf = (environ: Environ) => (environ['fastify.request'] as { user?: string }).user;
      const plugin = toFastify(application, { environ: (environ) => ({ REMOTE_USER: userOf(environ) }) });
      // Our types do not depend on Fastify's, and so do not match its overloads.
      instance.register(plugin as unknown as FastifyPluginAsync, { prefix: '/code' });
      // As above.
      for (const [prefix, other] of Object.entries(beside))
        instance.register(toFastify(other) as unknown as FastifyPluginAsync, { prefix });
      await instance.listen({ port: 0, host: '127.0.0.1' });
      const { port } = instance.server.address() as AddressInfo;
      return { url: `http://127.0.0.1:${port}/code`, close: () => instance.close() };
    },
  },
];
