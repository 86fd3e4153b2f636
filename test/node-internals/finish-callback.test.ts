import { describe, expect, it, vi } from 'vitest';
import { hasEndCallbacks, isFinishCallback, NO_CALLBACK } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { holdResponse, KEEPS_END_CALLBACKS } from './messages.ts';

const MAJOR = Number(process.versions.node.split('.', 1)[0]);

describe('isFinishCallback()', () => {
  it('finds the callback that makes node emit finish', () => {
    const { response, callbacks } = holdResponse();
    const onFinish = vi.fn();
    response.on('finish', onFinish);
    response.write('x');
    response.end('x');
    expect(callbacks.map(isFinishCallback).filter(Boolean)).toHaveLength(areShortcutsOff ? 0 : 1);
    for (const callback of callbacks) {
      const before = onFinish.mock.calls.length;
      callback();
      if (!areShortcutsOff) expect(onFinish.mock.calls.length > before).toBe(isFinishCallback(callback));
    }
    expect(onFinish).toHaveBeenCalledOnce();
  });

  it('knows no other callback', () => {
    expect(isFinishCallback(undefined)).toBe(false);
    expect(isFinishCallback(function onFinish() {})).toBe(false);
    expect(isFinishCallback(() => {})).toBe(false);
  });
});

describe('NO_CALLBACK', () => {
  it('is what write passes if a program gives no callback', () => {
    const { response, callbacks } = holdResponse();
    response.write('x');
    const given = (): void => {};
    response.write('x', given);
    expect(callbacks.map((callback) => callback === NO_CALLBACK)).toEqual([!areShortcutsOff, false]);
  });
});

describe('hasEndCallbacks()', () => {
  it('finds the callbacks that end keeps', () => {
    const { response } = holdResponse();
    // Without the shortcut there may be some; nothing shows them.
    expect(hasEndCallbacks(response)).toBe(areShortcutsOff && MAJOR >= 24);
    response.end('x', () => {});
    expect(hasEndCallbacks(response)).toBe(areShortcutsOff ? MAJOR >= 24 : KEEPS_END_CALLBACKS);
  });
});
