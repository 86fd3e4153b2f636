/** Arguments, units and addresses: how text becomes options. */
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/cli/address.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { CommandError } from '../../src/cli/exit-codes.ts';
import { FLAGS, flagOf } from '../../src/cli/flags.ts';
import { MEANT } from '../../src/cli/flags-elsewhere.ts';
import { parseMode, parseSize, parseTime } from '../../src/cli/units.ts';

describe('parseArguments', () => {
  it.each([
    [['app.ts'], { positionals: ['app.ts'], values: {} }],
    [
      ['-b', ':80', '--bind=unix:/a.sock,fd:3', 'a'],
      { positionals: ['a'], values: { bind: [':80', 'unix:/a.sock', 'fd:3'] } },
    ],
    [['a', '-w', 'auto'], { positionals: ['a'], values: { workers: 'auto' } }],
    [
      ['a', '--no-access-log', '--reload'],
      { positionals: ['a'], values: { accessLog: false, reload: true } },
    ],
    [
      ['a', '--keep-alive-timeout', '5s', '--max-body-size', '10m'],
      { positionals: ['a'], values: { keepAliveTimeout: 5_000, maxBodySize: 10_485_760 } },
    ],
    [['a', '--port', '1', '--port', '2'], { positionals: ['a'], values: { port: 2 } }],
    [['--', '-strange.ts'], { positionals: ['-strange.ts'], values: {} }],
  ])('reads %j', (argv, expected) => {
    expect(parseArguments(argv)).toEqual(expected);
  });

  it.each([
    [['--wrokers', '2'], /Unknown flag --wrokers/, 'Did you mean --workers?'],
    [['--certfile', 'a'], /Unknown flag --certfile/, 'Did you mean --cert?'],
    [['--no-workers'], /Unknown flag --no-workers/, undefined],
    [['-z'], /Unknown flag -z/, undefined],
    [['--port'], /--port needs a value: --port PORT/, undefined],
    [['--port', 'abc'], /--port must be a port from 0 to 65535, not "abc"/, undefined],
    [['--port', '65536'], /--port must be a port/, undefined],
    [['--workers', 'many'], /--workers must be a number or auto, not "many"/, undefined],
    [['--graceful-timeout', '5 minutes'], /must be a time such as 30s/, undefined],
    [['--max-memory', '1t'], /must be a size such as 16k/, undefined],
    [['--log-level', 'inf'], /must be one of debug, info/, 'Did you mean info?'],
    [['--reload=yes'], /--reload takes no value/, undefined],
  ])('refuses %j', (argv, message, cure) => {
    const error = caught(() => parseArguments(argv));
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(2);
    if (cure !== undefined) expect(error.cure).toBe(cure);
  });

  it.each([
    [
      ['--graceful-timeout', '30'],
      '--graceful-timeout 30 is 30 milliseconds; for seconds write --graceful-timeout 30s',
    ],
    [['--timeout', '30'], '--timeout 30 is 30 milliseconds; for seconds write --timeout 30s'],
    [['--keep-alive-timeout=300'], '--keep-alive-timeout 300 is 300 milliseconds'],
  ])('hints at seconds that were meant: %j', (argv, hint) => {
    expect(parseArguments(argv).hints).toEqual([expect.stringContaining(hint)]);
  });

  it.each([
    [['--graceful-timeout', '30s', '--drain-grace', '500ms']],
    [['--graceful-timeout', '0', '--keep-alive-timeout', '75000']],
    [['--slow-request', '500', '--max-requests', '30']],
  ])('hints at nothing: %j', (argv) => {
    expect(parseArguments(argv).hints).toBeUndefined();
  });

  it('leads every flag that people know from elsewhere to one of ours', () => {
    const known = Object.keys(FLAGS).map(flagOf);
    const targets = Object.values(MEANT).map((text) => text.split(' ')[0] ?? '');
    expect(targets.filter((flag) => flag.startsWith('--') && !known.includes(flag))).toEqual([]);
    expect(Object.keys(MEANT).filter((flag) => known.includes(flag))).toEqual([]);
  });
});

describe('units', () => {
  it.each([
    ['500', 500],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['infinity', Number.POSITIVE_INFINITY],
    ['s', undefined],
    ['-1', undefined],
    ['1d', undefined],
  ])('time %s', (text, expected) => expect(parseTime(text)).toBe(expected));

  it.each([
    ['100', 100],
    ['16k', 16_384],
    ['1M', 1_048_576],
    ['1MiB', 1_048_576],
    ['2gb', 2_147_483_648],
    ['1t', undefined],
    ['k', undefined],
  ])('size %s', (text, expected) => expect(parseSize(text)).toBe(expected));

  it.each([
    ['660', 0o660],
    ['0o600', 0o600],
    ['0777', 0o777],
    ['888', undefined],
    ['7', undefined],
  ])('mode %s', (text, expected) => expect(parseMode(text)).toBe(expected));
});

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
    ['localhost:80', { kind: 'tcp', host: 'localhost', port: 80 }],
    [':80', { kind: 'tcp', host: undefined, port: 80 }],
    ['*:80', { kind: 'tcp', host: undefined, port: 80 }],
    ['80', { kind: 'tcp', host: undefined, port: 80 }],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['[::]:80', { kind: 'tcp', host: '::', port: 80 }],
    ['0.0.0.0', { kind: 'tcp', host: '0.0.0.0', port: 8_124 }],
    ['tcp://0.0.0.0:80', { kind: 'tcp', host: '0.0.0.0', port: 80 }],
    ['unix:/run/a b.sock', { kind: 'unix', path: '/run/a b.sock' }],
    ['unix:///run/a.sock', { kind: 'unix', path: '/run/a.sock' }],
    ['unix:a.sock', { kind: 'unix', path: 'a.sock' }],
    ['fd:3', { kind: 'fd', fd: 3 }],
    ['fd://3', { kind: 'fd', fd: 3 }],
  ])('reads %s', (text, expected) => expect(parseAddress(text)).toMatchObject(expected));

  it.each(['', 'a:b', '127.0.0.1:65536', 'unix:', 'fd:x', '::1', '::1:80', 'a b:80', 'http://a:80'])(
    'refuses %j',
    (text) => {
      expect(caught(() => parseAddress(text)).exitCode).toBe(2);
    },
  );

  it('tells how an IPv6 address is written', () => {
    expect(caught(() => parseAddress('::1')).cure).toContain('[::1]:8124');
  });
});

function caught(act: () => unknown): CommandError {
  try {
    act();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}
