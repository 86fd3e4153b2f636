/** The load of a server: by a generator of requests, or by a client of our own. */

import { readServerName } from './checkouts.ts';
import { loadByGenerator } from './generator.ts';
import { runProgram, type StandingClient, startClient } from './load-process.ts';
import type { LoadTarget, Served } from './load-target.ts';
import type { Work } from './work.ts';

/** A load that may start: its connections are open, if it keeps them. */
export interface ReadyLoad {
  run(): Promise<Served>;
  end(): Promise<void>;
}

/** When a server is warm: after a time under load, or after a number of requests. */
export type WarmUp = 'seconds' | 'requests';

/** Loads a server until it is warm. */
export async function warmUp(target: LoadTarget, until: WarmUp): Promise<void> {
  let count = 0;
  for (
    let seconds = 0;
    until === 'seconds' ? seconds < WARM_UP_SECONDS : count < WARM_UP_REQUESTS;
    seconds += 1
  ) {
    if (seconds === MOST_WARM_UP_SECONDS) return;
    count += (await load(target, 1)).count;
  }
}

export const WARM_UP_SECONDS = 3;
export const WARM_UP_REQUESTS = 60_000;
const MOST_WARM_UP_SECONDS = 20;
const SETTLING_SECONDS = 3;

/** The ways to warm up that some work tells apart: one transfer of 64 MiB runs the same code a thousand times. */
export function warmUpsOf({ stream }: Work): readonly WarmUp[] {
  return stream === undefined ? ['seconds', 'requests'] : ['seconds'];
}

/** Loads a server for so many seconds. */
export async function load(target: LoadTarget, seconds: number): Promise<Served> {
  const { run, end } = await readyLoad(target, seconds);
  try {
    return await run();
  } finally {
    await end();
  }
}

/** Prepares the load of a server for so many seconds. */
export async function readyLoad(target: LoadTarget, seconds: number): Promise<ReadyLoad> {
  const { work } = target;
  if (work.crowd !== undefined) return readyCrowd(target, seconds);
  const end = async (): Promise<void> => {};
  if (work.stream === 'events') return { run: () => loadEvents(target, seconds), end };
  if (work.stream !== undefined) return { run: () => loadStream(target, seconds), end };
  return { run: () => loadByGenerator(target, seconds), end };
}

/** Opens the connections of a crowd; running it does not count that. */
async function readyCrowd({ work, server }: LoadTarget, seconds: number): Promise<ReadyLoad> {
  const { crowd, request } = work;
  if (crowd === undefined) throw new TypeError(`${work.name} has no crowd`);
  const connections = crowd.connections[readServerName(server.name).contender] ?? Number.NaN;
  const { kind, rate } = crowd;
  const options = { port: server.port, path: request.path, kind, connections, rate };
  const client: StandingClient = await startClient('crowd', options);
  // Connections that stay are not at their first requests, for which every server has more to do.
  if (kind === 'requests') await client.ask({ milliseconds: SETTLING_SECONDS * 1000 });
  return {
    async run() {
      const { count, duration, ...figures } = await client.ask({ milliseconds: seconds * 1000 });
      return { ...served(count, duration), figures };
    },
    end: () => client.end(),
  };
}

async function loadStream({ work, server, connections }: LoadTarget, seconds: number): Promise<Served> {
  const options = { port: server.port, milliseconds: seconds * 1000, connections };
  const { mebibytes, duration, wait } = await runProgram('stream', { direction: work.stream, ...options });
  return { ...served(mebibytes, duration), figures: { wait: wait ?? Number.NaN } };
}

async function loadEvents({ server, connections }: LoadTarget, seconds: number): Promise<Served> {
  const options = { port: server.port, milliseconds: seconds * 1000, connections };
  const { responses, duration } = await runProgram('events', options);
  return served(responses, duration);
}

function served(count: number | undefined, duration: number | undefined): Served {
  if (count === undefined || duration === undefined) throw new Error('Load gave no figures');
  return { count, rate: count / (duration / 1000) };
}
