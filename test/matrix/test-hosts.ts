/** Makes the tests of some hosts: each with each program, through each act or its exception. */
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { Application } from '../../src/index.ts';
import { ACTS } from './acts.ts';
import { exceptionOf } from './cells.ts';
import { removeMarks } from './marks.ts';
import type { Act, Host, Program, Site } from './matrix.ts';
import { PROGRAMS } from './programs/index.ts';
import { type StartedPeers, startPeers } from './start-peers.ts';

/** Declares the tests. What they need is started once for all. */
export function testHosts(hosts: readonly Host[]): void {
  let peers: StartedPeers | undefined;
  const applications = new Map<Program, Application & { close?(): Promise<void> }>();
  const ran = new Set<string>();
  const skipped = new Set<string>();

  beforeAll(async () => {
    peers = await startPeers();
    for (const program of PROGRAMS)
      if (missing(program, peers) === undefined) applications.set(program, await program.create(peers));
  }, 60_000);

  afterAll(async () => {
    // At the same time: a request that hangs holds its program up, and no other process may be left.
    await Promise.allSettled([...[...applications.values()].map((one) => one.close?.()), peers?.close()]);
    for (const host of hosts) host.end?.();
    removeMarks();
  });

  const pairs = hosts.flatMap((host) => PROGRAMS.map((program) => ({ host, program })));
  for (const { host, program } of pairs) {
    describe(`${host.name} with ${program.name}`, () => {
      let site: Site | undefined;

      async function open(context: TestContext, cell: string): Promise<Site> {
        const lacks = [host, program].map((one) => missing(one, peers)).find((one) => one !== undefined);
        const application = applications.get(program);
        if (peers === undefined || application === undefined || lacks !== undefined) {
          skipped.add(cell);
          return skip(context, `${lacks}`);
        }
        site ??= await host.start({ program, application, peers });
        return site;
      }

      afterAll(() => site?.close());

      for (const act of ACTS) {
        it(act.name, async (context) => {
          const cell = cellName(host, program, act);
          const opened = await open(context, cell);
          ran.add(cell);
          const logged = opened.log().length;
          await (exceptionOf(host, program, act) ?? act).run(opened, program);
          // A program that fails is told of, and nothing else.
          if (act.name !== 'error') expect(opened.log().slice(logged)).toBe('');
        });
      }
    });
  }

  it('each cell that the page shows has run', () => {
    const cells = pairs.flatMap(({ host, program }) => ACTS.map((act) => cellName(host, program, act)));
    expect([...ran, ...skipped].sort()).toEqual(cells.sort());
  });
}

function cellName(host: Host, program: Program, act: Act): string {
  return `${host.name}, ${program.name}: ${act.name}`;
}

/** The program that a host or a program needs, if it is not installed. */
function missing({ needs }: Host | Program, peers: StartedPeers | undefined): string | undefined {
  return needs === undefined || peers?.[needs] !== undefined ? undefined : needs;
}

function skip(context: TestContext, peer: string): never {
  const reason = `${peer} is not installed`;
  if (process.env.CI === 'true') throw new Error(`${reason}: add it to .ci/run`);
  console.warn(`Skipped ${context.task.name}: ${reason}`);
  return context.skip(reason);
}
