import { expect, it } from 'vitest';
import { areCarriersKnown, carrierOf } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { openTcp, openTls } from './connections.ts';

it.skipIf(areShortcutsOff)('finds the TCP socket below TLS', async () => {
  expect(areCarriersKnown()).toBe(true);
  const { client, socket } = await openTls();
  expect(carrierOf(socket)).toHaveProperty('remotePort', client.localPort);
  expect(carrierOf(socket)).not.toBe(socket);
});

it('finds none below TCP', async () => {
  const { socket } = await openTcp();
  expect(carrierOf(socket)).toBeUndefined();
});
