/** The cases of the rules for gateway.upgrade. */
import { Duplex } from 'node:stream';
import type { UPGRADE_RULES } from '../../../src/validate/upgrade-rules.ts';
import type { Application, Environ, HandedOver } from '../../../src/wsgi.ts';
import { byApplication, byServer, environ, hello, octets, type RuleCase, server, TEXT } from './kit.ts';

/** An environ of a request that asks for another protocol. */
function asking(ours: Environ, give: () => unknown = connection): Environ {
  return Object.assign(ours, {
    HTTP_CONNECTION: 'keep-alive, Upgrade',
    HTTP_UPGRADE: 'websocket',
    'gateway.upgrade': give,
  });
}

function connection(): HandedOver {
  return { socket: new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }), head: octets('') };
}

const taking: Application = (ours) => {
  ours['gateway.upgrade']?.();
  return [];
};

const offered = (name: string, change: (ours: Environ) => void) =>
  environ(name, (ours) => {
    change(asking(ours));
  });

const gives = (name: string, value: unknown) =>
  server(
    name,
    ({ call, environ: ours, startResponse }) =>
      call(
        asking(ours, () => value),
        startResponse,
      ),
    taking,
  );

/** An application of a server that hands over. */
const takes = (name: string, application: Application) =>
  server(
    name,
    async ({ call, environ: ours, startResponse, end }) => {
      const body = await call(asking(ours), startResponse);
      for await (const _chunk of body);
      end();
    },
    application,
  );

export const UPGRADE_CASES: Readonly<Record<keyof typeof UPGRADE_RULES, RuleCase>> = {
  'upgrade-251-offered': byServer('the server makes the environ')(
    offered('no Upgrade', (ours) => {
      Reflect.deleteProperty(ours, 'HTTP_UPGRADE');
    }),
    offered('no option in Connection', (ours) => {
      ours.HTTP_CONNECTION = 'keep-alive';
    }),
    offered('content', (ours) => {
      ours.CONTENT_LENGTH = '3';
    }),
  ).butRight(
    offered('no content', (ours) => {
      ours.CONTENT_LENGTH = '0';
    }),
  ),
  'upgrade-252-result': byServer('the server gives it')(
    gives('nothing', undefined),
    gives('no socket', { head: octets('') }),
    gives('a socket that cannot be written to', { socket: { destroy() {} }, head: octets('') }),
    gives('a head of text', { ...connection(), head: '' }),
  ).butRight(gives('a head with octets', { ...connection(), head: octets('x') })),
  'upgrade-253-call': byApplication('the application calls it')(
    takes('twice', (ours) => {
      ours['gateway.upgrade']?.();
      ours['gateway.upgrade']?.();
      return [];
    }),
    takes('with an argument', (ours) => {
      Reflect.apply(Object(ours['gateway.upgrade']), undefined, [1]);
      return [];
    }),
    takes('after startResponse', (ours, startResponse) => {
      startResponse('200 OK', TEXT);
      ours['gateway.upgrade']?.();
      return [];
    }),
  ).butRight(takes('once', taking), takes('never', hello)),
  'upgrade-254-no-response': byApplication('the application gives the response')(
    takes('startResponse', (ours, startResponse) => {
      ours['gateway.upgrade']?.();
      startResponse('200 OK', TEXT);
      return [];
    }),
    takes('content', (ours) => {
      ours['gateway.upgrade']?.();
      return [octets('content')];
    }),
  ).butRight(takes('an empty body', taking)),
};
