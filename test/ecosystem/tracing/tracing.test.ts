/** Tools that trace requests see the same on every server. Each runs in a process of its own, which it patches. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Members that the report of node:http must have: two servers on which a tool sees nothing are also alike. */
const tools: [string, RegExp][] = [
  [
    'opentelemetry',
    /"spans":\[(\{"trace":"0af7651916cd43dd8448eb211c80319\d","status":\d+,"isLong":(true|false),"code":0\},?){4}\]/,
  ],
  ['sentry', /user of \/late.*the content.*"type\\":\\"transaction/],
  ['elastic', /"0af7651916cd43dd8448eb211c803191 HTTP 4xx (true|false)"/],
];

describe.each(tools)('%s', (tool, pattern) => {
  it('sees requests, their status and duration, and keeps them apart', { timeout: 120_000 }, async () => {
    const program = new URL(`${tool}-program.ts`, import.meta.url).pathname;
    const { stdout } = await run(process.execPath, ['--import', 'tsx', program]);
    const { 'node:http': onNode, ...others }: Record<string, unknown> = JSON.parse(stdout);
    expect(JSON.stringify(onNode)).toMatch(pattern);
    expect(Object.keys(others)).toHaveLength(6);
    for (const [name, seen] of Object.entries(others)) expect(seen, name).toEqual(onNode);
  });
});
