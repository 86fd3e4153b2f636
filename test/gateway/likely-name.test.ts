import { expect, it } from 'vitest';
import { likelyName } from '../../src/gateway/likely-name.ts';

const KNOWN = ['form', 'query', 'baseUrl', 'maxBodySize', 'keepAliveTimeout'];

it.each([
  ['FORM', 'form'],
  ['fomr', 'form'],
  ['forms', 'form'],
  ['quary', 'query'],
  ['base-url', 'baseUrl'],
  ['maxBodysize', 'maxBodySize'],
  ['keepAliveTimeot', 'keepAliveTimeout'],
  ['bodyLimit', 'maxBodySize'],
])('takes %s for %s', (name, meant) => {
  expect(likelyName(name, KNOWN, { bodyLimit: 'maxBodySize' })).toBe(meant);
});

it.each(['', 'x', 'fo', 'logger', 'constructor', 'toString', 'baseUrlOfTheServer'])(
  'takes %j for none',
  (name) => {
    expect(likelyName(name, KNOWN, {})).toBeUndefined();
  },
);
