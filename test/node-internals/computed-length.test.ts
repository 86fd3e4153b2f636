import { expect, it } from 'vitest';
import { forgetLength, leaveLengthToNode, type ResponseMessage } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { createResponse } from './messages.ts';

/** Makes a response to HTTP/1.1. */
function createModern(): ResponseMessage {
  const response = createResponse();
  response.useChunkedEncodingByDefault = true;
  return response;
}

it('makes node add Content-Length', () => {
  const response = createModern();
  expect(leaveLengthToNode(response, 5)).toBe(!areShortcutsOff);
  response.writeHead(200);
  expect(response._header?.includes('Content-Length: 5\r\n')).toBe(!areShortcutsOff);
});

it('forgets the length', () => {
  const response = createModern();
  leaveLengthToNode(response, 5);
  forgetLength(response);
  response.writeHead(200);
  expect(response._header).not.toContain('Content-Length');
});

it('leaves no length to a node that would add none', () => {
  const old = createResponse();
  old.useChunkedEncodingByDefault = false;
  expect(leaveLengthToNode(old, 5)).toBe(false);
  const removed = createModern();
  removed.removeHeader('Content-Length');
  expect(leaveLengthToNode(removed, 5)).toBe(false);
});
