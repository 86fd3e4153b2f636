/** Audits of values that people mount as applications by mistake. */
import assert, { equal } from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Application } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import { audit, collectFaults, hello } from './kit.ts';

/** Values that no host may take for an application, each with the cure that its error must name. */
const MISTAKES: Readonly<Record<string, readonly [value: unknown, cure: RegExp]>> = {
  'a module': [{ default: hello }, /default export/],
  'a module without a default': [
    Object.defineProperty({ hello }, Symbol.toStringTag, { value: 'Module' }),
    /one of its exports/,
  ],
  'a promise of an application': [Promise.resolve(hello), /await/],
};

/** The audits of line 249. */
export const MISTAKE_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'forms-249-mistaken-values',
    sentence: 'MUST refuse adapters, modules and apps of frameworks when they are mounted, and name the cure',
    citation: 'Gateway semantics §5.1',
    async run(host) {
      const own = Object.entries(host.mistakes ?? {}).map(
        ([name, value]) => [name, [value, /pass/]] as const,
      );
      for (const [name, [value, cure]] of [...Object.entries(MISTAKES), ...own]) {
        // The types forbid these values.
        const serving = async (): Promise<void> => onStage(host, value as Application, async () => {});
        await assert.rejects(
          serving,
          (error) => error instanceof TypeError && cure.test(error.message),
          `${name} must be refused, with the cure`,
        );
      }
    },
  }),
  audit({
    id: 'forms-249-listener',
    sentence: 'MUST answer 500 and tell the cure when a listener of node:http was mounted as an application',
    citation: 'Gateway semantics §5.1',
    async run(host) {
      const listener = (_request: unknown, response: ServerResponse): unknown => response.end('x');
      const faults = collectFaults();
      const act = async (stage: Stage): Promise<void> => {
        equal((await stage.fetch()).statusCode, 500);
        assert.match(faults.told(stage), /fromNode\(listener\)/);
      };
      // A listener has the type of no application; in JavaScript nothing tells.
      await onStage(host, listener as unknown as Application, act, faults.options);
    },
  }),
];
