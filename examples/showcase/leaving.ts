/** A response that goes on for a while, and tells what happens on the server when its client leaves. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from 'gatebridge';
import { tellerOf } from './live.ts';

export const leaving: Application = async function* (environ, startResponse) {
  const tell = tellerOf(environ);
  const signal = environ['gateway.signal']?.();
  signal?.addEventListener('abort', () => tell('leaving', 'gateway.signal is aborted'));
  environ['gateway.on_finished']?.(() => tell('leaving', 'gateway.on_finished is called'));

  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  try {
    for (let line = 1; line <= 60; line += 1) {
      tell('leaving', `yields line ${line}`);
      yield Buffer.from(`line ${line}\n`);
      await sleep(500, undefined, { signal });
    }
  } finally {
    tell('leaving', 'finally runs in the generator');
  }
};
