/** Plans on which the two servers once differed. */

import { CALLBACK, type Operation } from './program.ts';
import type { Plan, RequestPlan } from './run-plan.ts';

export interface NamedPlan extends Plan {
  readonly name: string;
}

const GET: RequestPlan = {
  method: 'GET',
  version: '1.1',
  connection: 'unsaid',
  content: 'none',
  isPipelined: false,
};

function call(name: string, ...args: unknown[]): Operation {
  return { call: name, args };
}

function named(
  name: string,
  operations: readonly Operation[],
  request: Partial<RequestPlan> = {},
): NamedPlan {
  return { name, request: { ...GET, ...request }, watch: 'all', operations };
}

export const NAMED_PLANS: readonly NamedPlan[] = [
  named('a socket is closed for writing once the last response has finished', [], { connection: 'close' }),
  named('callbacks of writes come before the response lets go of its socket', [
    call('res.write', 'ab', CALLBACK),
    call('res.write', '', CALLBACK),
    call('res.end', CALLBACK),
  ]),
  named('an empty write fills the buffer with the head', [call('res.write', '')]),
  named('a buffer is empty again in the next microtask', [call('res.write', 'abc'), { wait: 'microtask' }]),
  named('a buffer is empty when the response ends piece by piece', [
    call('res.write', 'abc'),
    { wait: 'while' },
    call('res.write', 'def'),
    call('res.end', 'ghi'),
  ]),
  named('a time-out that is not a number', [call('socket.setTimeout', 'x'), call('socket.setTimeout', null)]),
  named('a time-out that is out of range', [
    call('socket.setTimeout', -1),
    call('req.setTimeout', Number.NaN),
  ]),
  named('a request without content is not complete before the program returns', [call('socket.resume')]),
  named('a request that is being read ends although its connection is cut', [
    { routine: 'collect the content' },
    call('res.destroy'),
  ]),
  named(
    'reading goes on after a long response',
    [call('res.end', 'x'.repeat(20_000)), { routine: 'iterate over the content' }],
    { method: 'POST', content: 'chunked' },
  ),
  named('a long response has finished in the next tick', [
    call('res.end', 'x'.repeat(20_000)),
    call('res.write', 'late'),
  ]),
  named('a late response is sent although its connection is cut', [
    { wait: 'immediate' },
    call('res.end', 'abc'),
    call('req.destroy', new Error('cut')),
  ]),
  named('a flush empties the buffer', [call('res.flushHeaders'), { wait: 'while' }, call('res.end')]),
  named('an uncorked socket has an empty buffer', [call('res.write', 'abc'), call('socket.uncork')]),
  named(
    'finish is emitted by node itself',
    [call('res.write', 'abc'), call('socket.uncork'), call('res.end')],
    {
      version: '1.0',
    },
  ),
  named('callbacks of a second end come before the response lets go of its socket', [
    call('res.end', 'abc'),
    call('res.end', CALLBACK),
  ]),
  named('callbacks of writes are told that the connection ended', [
    call('res.write', 'x'.repeat(20_000), CALLBACK),
    call('res.destroy'),
  ]),
  named('a socket is uncorked before there is a head', [
    call('res.cork'),
    call('res.uncork'),
    { wait: 'while' },
    call('res.writeHead', 200, { 'X-A': '1' }),
    call('socket.cork'),
    call('socket.uncork'),
    { wait: 'while' },
    call('res.end', 'abc'),
  ]),
  named('a removed Connection is not sent', [call('res.removeHeader', 'Connection')]),
  named('a paused request without content ends', [
    { routine: 'collect the content' },
    call('req.pause'),
    { wait: 'while' },
  ]),
  named('a request without content is not readable for late listeners', [
    { wait: 'immediate' },
    { routine: 'read when readable' },
    { wait: 'while' },
  ]),
  named('a cut connection closes after the next immediate', [
    call('res.destroy', new Error('cut')),
    { wait: 'immediate' },
  ]),
];
