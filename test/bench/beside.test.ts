/** What servers of benchmarks start beside themselves ends with them, also if they are killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const BESIDE = join(import.meta.dirname, '../../bench/servers/beside.ts');

it('a program and a folder go with a server that is killed', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-beside-'));
  const source = `import { runAfterwards, runBeside } from ${JSON.stringify(BESIDE)};
runAfterwards('rm -rf ${folder}');
console.log(await runBeside('sleep 300'));`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const pid = Number(`${line}`);
  expect([existsSync(folder), isRunning(pid)]).toEqual([true, true]);
  child.kill('SIGKILL');
  await expect.poll(() => [existsSync(folder), isRunning(pid)], { timeout: 10_000 }).toEqual([false, false]);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
