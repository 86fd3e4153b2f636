/** Two tests of node:test, for a host that conforms and for one that does not. */
import { test } from 'node:test';
import { assertConforms } from '../../src/conformance/index.ts';
import { cgi } from './hosts.ts';

void test('a host that conforms', { timeout: 100_000 }, () => assertConforms(cgi));

void test('a host that does not', () =>
  assertConforms({
    name: 'broken',
    capabilities: new Set(['serve']),
    serve: () => Promise.reject(new Error('no socket')),
  }));
