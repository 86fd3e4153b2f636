/** Profiles the time or the allocations of a server under load: prints the top functions, and writes the profile. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from './arguments.ts';
import { readyLoad, warmUp } from './load.ts';
import { startServer } from './server-process.ts';
import type { ProfileKind } from './servers/profiling.ts';

const TOP = 45;
const INSPECTOR = /^post node:inspector/;
const FOLDER = join(import.meta.dirname, 'profiles');

export interface ProfileSettings {
  readonly kind: ProfileKind;
  readonly node: string;
  readonly seconds: number;
  readonly connections: number;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

/** Profiles a server at some work and prints the top functions. */
export async function profile({ work, server }: Target, settings: ProfileSettings): Promise<void> {
  const { kind, node, seconds, connections } = settings;
  const running = await startServer(server, node);
  try {
    const loaded = { work, server: running, connections };
    await running.during(warmUp(loaded, 'requests'));
    const ready = await running.during(readyLoad(loaded, seconds));
    await running.ask({ ask: 'profile', kind });
    const before = await running.usage();
    const { count, rate } = await running.during(ready.run());
    const after = await running.usage();
    await ready.end();
    const found = await running.ask({ ask: 'endProfile' });
    mkdirSync(FOLDER, { recursive: true });
    const name = `${work.name}-${server.replaceAll(/\W+/g, '-')}`;
    const path = join(FOLDER, `${name}.${kind === 'cpu' ? 'cpuprofile' : 'heapprofile'}`);
    writeFileSync(path, JSON.stringify(found));
    const cost = ((after.cpu - before.cpu) / count).toFixed(2);
    console.log(`\n${work.name}/${server}: ${cost} µs CPU, ${rate.toFixed(0)} a second, while profiled`);
    // The inspector returns the kind of profile that was started.
    const sums = kind === 'cpu' ? sumTime(found as CpuProfile) : sumAllocations(found as AllocationHead);
    print(sums, count, kind === 'cpu' ? 'µs' : 'octets');
    console.log(`bench/profiles/${name}.${kind === 'cpu' ? 'cpuprofile' : 'heapprofile'}`);
  } finally {
    await running.stop();
  }
}

interface AllocationHead {
  readonly head: AllocationNode;
}

function sumTime({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const sums = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    sums.set(name, (sums.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  sums.delete('(idle)');
  // The inspector's own work when it ends the profile: in a native function, or in `post` (Node 26).
  for (const name of sums.keys()) if (name === 'dispatch' || INSPECTOR.test(name)) sums.delete(name);
  return sums;
}

function sumAllocations({ head }: AllocationHead): Map<string, number> {
  const sums = new Map<string, number>();
  const visit = ({ callFrame, selfSize, children }: AllocationNode): void => {
    const name = nameOf(callFrame);
    sums.set(name, (sums.get(name) ?? 0) + selfSize);
    children.forEach(visit);
  };
  visit(head);
  return sums;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = url.replace(/^.*\/(?:node_modules|dist)\/(?=[^/]*)/, '').replace(/^gatebridge\/dist\//, '');
  return url === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}

function print(sums: ReadonlyMap<string, number>, count: number, unit: string): void {
  const rows = [...sums].sort(([, a], [, b]) => b - a);
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  console.log(`${(total / count).toFixed(2)} ${unit} for each request, of them:`);
  for (const [name, value] of rows.slice(0, TOP)) {
    const part = ((value / total) * 100).toFixed(1).padStart(5);
    console.log(`${part} %  ${(value / count).toFixed(3).padStart(9)} ${unit}  ${name}`);
  }
}
