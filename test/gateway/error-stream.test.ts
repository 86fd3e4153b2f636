import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../..', import.meta.url);

/** Writes two lines when it is told to, and says whether it lives on. */
const PROGRAM = `
import { standardErrors } from './src/gateway/error-stream.ts';
process.stdin.once('data', () => {
  standardErrors.write('one\\n');
  standardErrors.writelines(['two\\n', 'three\\n']);
  setTimeout(() => {
    standardErrors.write('four\\n');
    setTimeout(() => process.exit(process.stderr.listenerCount('error') > 1 ? 3 : 0), 20);
  }, 20);
});
console.log('ready');
`;

function start(): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', PROGRAM], {
    cwd: ROOT,
  });
}

describe('the standard error', () => {
  it('gets every line', async () => {
    const child = start();
    let text = '';
    child.stderr.on('data', (piece) => {
      text += piece;
    });
    await once(child.stdout, 'data');
    child.stdin.end('go');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(text).toBe('one\ntwo\nthree\nfour\n');
  });

  it('does not end the process once its reader has gone', async () => {
    const child = start();
    await once(child.stdout, 'data');
    child.stderr.destroy();
    await once(child.stderr, 'close');
    child.stdin.end('go');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
