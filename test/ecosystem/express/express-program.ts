/** Makes programs from Express apps. */
import { createServer as createNodeServer } from 'node:http';
import express, { type Express } from 'express';
import { afterAll, beforeAll, vi } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { createServer } from '../../../src/server/index.ts';
import type { MakeProgram } from '../both-servers.ts';

// Express logs the errors that it answers itself.
beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterAll(() => void vi.mocked(console.error).mockRestore());

type Filled = (() => Promise<void>) | void;

/**
 * Makes a program from a function that fills an app.
 *
 * @param fill Adds middleware and routes and may note in the trail; may return a function that releases its resources
 */
export function expressProgram(
  fill: (app: Express, trail: string[]) => Filled | Promise<Filled>,
): MakeProgram {
  return async (trail) => {
    const app = express();
    // Keeps stacks out of error pages: they differ with the caller.
    app.set('env', 'production');
    const close = await fill(app, trail);
    return {
      ...(close && { close }),
      node: () => createNodeServer(app),
      ours(log) {
        const errors = {
          write: (text: string) => void log.push(text),
          writelines: (lines: Iterable<string>) => void log.push(...lines),
          flush: () => {},
        };
        return createServer(fromExpress(app), { environ: { 'wsgi.errors': errors } });
      },
    };
  };
}
