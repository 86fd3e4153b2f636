/** Fastify instances for the tests of mounts. */
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { type ToFastifyOptions, toFastify } from '../../../bridges/fastify/to-fastify.ts';
import type { Application } from '../../../src/wsgi.ts';
import { atEnd, type Site, siteOf } from '../site.ts';

/** Makes an instance listen until the end of the test. */
export async function serve(app: FastifyInstance): Promise<Site> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  atEnd(() => app.close());
  return siteOf(app.server);
}

/** Makes an instance with one application at /x. */
export function mounting(
  application: Application,
  options?: ToFastifyOptions,
  settings?: FastifyServerOptions,
): FastifyInstance {
  const app = fastify(settings);
  app.register(toFastify(application, options), { prefix: '/x' });
  return app;
}

/**
 * Mounts an application at a prefix of a fresh instance, by default the root.
 *
 * @param prepare Called with the instance first, to add hooks and plugins
 */
export async function mountBelow(
  application: Application,
  prepare: (instance: FastifyInstance) => unknown,
  options: { readonly hijack?: boolean; readonly prefix?: string } = {},
): Promise<Site> {
  const instance = fastify();
  await prepare(instance);
  const { prefix = '/', ...mount } = options;
  instance.register(toFastify(application, mount) as never, { prefix });
  return serve(instance);
}
