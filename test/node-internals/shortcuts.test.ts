/** A new Node that lacks a shortcut makes gatebridge slower or coarser: the essay of its file says how. */
import { expect, it } from 'vitest';
// Loads the files that look for shortcuts.
import '../../src/node-internals/index.ts';
import { findSymbol, SHORTCUTS, shortcut } from '../../src/node-internals/shortcuts.ts';
import { openHttp } from './connections.ts';
import { KEEPS_END_CALLBACKS } from './messages.ts';

/** Windows reads in another way. */
const hasUserBuffer = process.platform !== 'win32';

/** Private members that only a live connection has, or that there is no other way for. */
async function missingOfExchange(): Promise<string[]> {
  const { request, response } = await openHttp('request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const handle: unknown = Reflect.get(request.socket, '_handle');
  const members: [name: string, owner: unknown, type: string][] = [
    ['writeQueueSize', handle, 'number'],
    ['parser', request.socket, 'object'],
    ['_sent100', response, 'boolean'],
    ['_writeRaw', response, 'function'],
  ];
  if (hasUserBuffer) members.push(['useUserBuffer', handle, 'function']);
  return members
    .filter(([name, owner, type]) => typeof Reflect.get(Object(owner), name) !== type)
    .map(([name]) => name);
}

it('finds all that it uses of this Node', async () => {
  const missing = SHORTCUTS.filter(({ isFound }) => !isFound).map(({ name }) => name);
  const expected = [
    ...(KEEPS_END_CALLBACKS ? [] : ['kEndCallbacks']),
    ...(hasUserBuffer ? [] : ['kBuffer, kBufferCb and kBufferGen']),
  ];
  expect([...missing, ...(await missingOfExchange())]).toEqual(expected);
});

it('lists a shortcut that is not found', () => {
  const { length } = SHORTCUTS;
  expect(shortcut('first', () => 1)).toBe(1);
  expect(shortcut('second', () => undefined)).toBeUndefined();
  expect(SHORTCUTS.slice(length)).toEqual([
    { name: 'first', isFound: true },
    { name: 'second', isFound: false },
  ]);
});

it('finds a symbol by its description', () => {
  const symbol = Symbol('kName');
  expect(findSymbol({ [Symbol('kOther')]: 1, [symbol]: 2 }, 'kName')).toBe(symbol);
  expect(findSymbol({ kName: 1 }, 'kName')).toBeUndefined();
});
