/** The cases of Werkzeug's tests/middleware/test_lint.py (main of 2026), re-expressed. */
import { expect } from 'vitest';
import { buildEnviron, runApp } from '../../src/testing/index.ts';
import { type RuleId, validate } from '../../src/validate/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { declarePorted, type PortedCase } from '../support/ported.ts';
import { answer, octets, TEXT } from './cases/kit.ts';

/** Lets a validator that only reports watch one response. The gateway may refuse it afterwards. */
async function lint(application: Application, keys: Record<string, unknown> = {}) {
  const broken: RuleId[] = [];
  const note = ({ rule }: { rule: RuleId }): void => void broken.push(rule);
  const checked = validate(application, { mode: 'report', onError: note, onWarning: note });
  const environ = buildEnviron('/test', { environ: keys });
  const [run] = await Promise.allSettled([runApp(checked, environ, { validate: false })]);
  return { status: run.status === 'fulfilled' ? run.value.status : 'refused', broken };
}

const brokenBy = async (application: Application) => (await lint(application)).broken;

const foo = answer(() => [octets('Foo')]);

const environ = (key: string, value: unknown, rule: RuleId): PortedCase => ({
  name: `test_lint_middleware_check_environ: ${key}`,
  run: async () => expect(await lint(foo, { [key]: value })).toEqual({ status: '200 OK', broken: [rule] }),
});

const headers = (name: string, list: unknown, ...rules: RuleId[]): PortedCase => ({
  name: `test_lint_middleware_http_headers: ${name}`,
  run: async () => expect(await brokenBy(answer(() => [octets('Foo')], list as HeaderList))).toEqual(rules),
});

const CASES: readonly PortedCase[] = [
  {
    name: 'test_lint_middleware',
    run: async () => expect(await lint(foo)).toEqual({ status: '200 OK', broken: [] }),
  },
  environ('wsgi.version', [0, 7], 'environ-8-version'),
  environ('SCRIPT_NAME', 'test', 'environ-11-script-name-slash'),
  environ('PATH_INFO', 'test', 'environ-14-path-info-slash'),
  {
    name: 'test_lint_middleware_invalid_status',
    differs:
      'a status that is no status breaks one rule, where Werkzeug warns of its length, its reason and its number',
    run: async () =>
      expect(await brokenBy(answer(() => [octets('Foo')], TEXT, '20 OK'))).toEqual([
        'start-response-59-status-form',
      ]),
  },
  headers('no list', new Set(TEXT), 'start-response-62-headers-type'),
  headers('an item that is no pair', ['fo'], 'start-response-62-headers-type'),
  headers('the name status', [['status', 'foo']], 'start-response-63-status-header'),
  {
    name: 'test_lint_middleware_invalid_location',
    differs: 'RFC 9110 §10.2.2 allows a relative reference in Location',
    run: async () =>
      expect(await brokenBy(answer(() => [], [...TEXT, ['Location', 'foo']], '302 Found'))).toEqual([]),
  },
];

declarePorted('Werkzeug test_lint', CASES);
