/**
 * `npm run bench`: our server beside its peers, by the CPU time that each request costs; docs/benchmarks.md says how.
 */
import { readArguments, USAGE } from './arguments.ts';
import { findNode, prepare } from './installation.ts';
import { warnings } from './processors.ts';
import { profile } from './profile.ts';
import { WORK } from './work.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const settings = readArguments(process.argv.slice(2));
if (settings.help) {
  console.log(USAGE);
} else if (settings.list) {
  for (const { name, servers } of WORK) console.log(`${name}: ${servers.join(', ')}`);
} else {
  prepare();
  const node = findNode(settings.node);
  for (const warning of warnings()) console.error(`WARNING: ${warning}`);
  const target = settings.profile ?? settings.allocations;
  if (target !== undefined) await profileBy(target, node);
}

async function profileBy(target: string, node: string): Promise<void> {
  const [name, server] = target.split('/');
  const work = WORK.find((candidate) => candidate.name === name);
  if (work === undefined) throw new RangeError(`No work is called ${name}; see --list`);
  const kind = settings.profile === undefined ? 'allocations' : 'cpu';
  const { seconds, warmUp } = settings;
  await profile(work, server ?? work.servers[1] ?? '', { kind, node, seconds, warmUp });
}
