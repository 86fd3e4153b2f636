import { expect, it } from 'vitest';
import { headerMapOf, isHeaderMap, type ResponseMessage } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { createResponse } from './messages.ts';

/** Tells if `_storeHeader` gets the map of setHeader. */
function storesMap(write: (response: ResponseMessage) => void): boolean | undefined {
  const response = createResponse();
  let isMap: boolean | undefined;
  response._storeHeader = (_statusLine, headers) => {
    isMap = isHeaderMap(response, Object(headers));
  };
  write(response);
  return isMap;
}

it('gives the map of setHeader', () => {
  const response = createResponse();
  expect(headerMapOf(response)).toBe(areShortcutsOff ? undefined : null);
  response.setHeader('X-Name', 'value');
  expect(headerMapOf(response)?.['x-name']).toEqual(areShortcutsOff ? undefined : ['X-Name', 'value']);
});

it('knows the map of setHeader from an argument of writeHead', () => {
  expect(storesMap((response) => response.setHeader('X-Name', 'value').writeHead(200))).toBe(true);
  expect(storesMap((response) => response.setHeader('X-Name', 'value').flushHeaders())).toBe(true);
  expect(storesMap((response) => response.setHeader('X-Name', 'value').writeHead(200, { A: 'b' }))).toBe(
    true,
  );
  expect(storesMap((response) => response.writeHead(200, { 'X-Name': 'value' }))).toBe(false);
  expect(storesMap((response) => response.writeHead(200, ['X-Name', 'value']))).toBe(false);
});

it.skipIf(areShortcutsOff)('takes no other object for the map', () => {
  const response = createResponse().setHeader('X-Name', 'value');
  expect(isHeaderMap(response, {})).toBe(false);
});
