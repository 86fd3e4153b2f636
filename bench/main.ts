/**
 * `npm run bench`: compares our server with its peers by CPU time per request. See docs/benchmarks.md.
 */
import { formatContest } from './against.ts';
import { readArguments, type Settings, type Target, USAGE } from './arguments.ts';
import { ofOther } from './checkouts.ts';
import { collect, isComplete } from './collection.ts';
import { measureAll, measureCheckouts } from './figures.ts';
import { findNode, prepare } from './installation.ts';
import { warnings } from './processors.ts';
import { type ProfileSettings, profile } from './profile.ts';
import { publish } from './publication.ts';
import { formatResults } from './report.ts';
import { OTHER_WORK, WORK } from './work-table.ts';

// Exits, so that the servers end with this process. A signal may come twice, from the terminal and from tsx: the
// second must not interrupt the exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

const settings = readSettings();
if (settings.help) {
  console.log(USAGE);
} else if (settings.list) {
  for (const { name, servers } of WORK) console.log(`${name}: ${servers.join(', ')}`);
  console.log(OTHER_WORK.join('\n'));
} else {
  await run(settings).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}

/** Reports wrong arguments without a stack. */
function readSettings(): Settings {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function run({ nodes, ...settings }: Settings): Promise<void> {
  const { profile: timed, allocations, seconds, connections, against } = settings;
  // Fails before minutes are spent on the first.
  const binaries = nodes.length === 0 ? [process.execPath] : nodes.map(findNode);
  prepare(against);
  for (const warning of await warnings()) console.error(`WARNING: ${warning}`);
  for (const node of binaries) {
    if (timed !== undefined) await profileEach(timed, { kind: 'cpu', node, seconds, connections }, against);
    if (allocations !== undefined)
      await profileEach(allocations, { kind: 'allocations', node, seconds, connections }, against);
    if (timed !== undefined || allocations !== undefined) continue;
    if (against !== undefined) {
      console.log(`\n${formatContest(await measureCheckouts(node, against, settings))}`);
      continue;
    }
    const results = await measureAll(node, settings);
    console.log(`\n${formatResults(results)}`);
    const all = settings.into === undefined ? undefined : collect(settings.into, results);
    if (settings.isWhole) publish(results);
    else if (all !== undefined && isComplete(all)) publish(all);
  }
}

/** Profiles a server, with --against that of the other checkout too. */
async function profileEach(target: Target, how: ProfileSettings, against: string | undefined): Promise<void> {
  if (against !== undefined) await profile({ ...target, server: ofOther(target.server) }, how);
  await profile(target, how);
}
