/** Audits of gateway.upgrade: who has it, the octets after the request, what is left of the response, mounts. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { isDisconnection } from '../../errors.ts';
import type { Application, ApplicationFunction, Environ, HandedOver, HeaderList } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import type { WireClient } from '../wire-client.ts';
import { audit, eventually, octets, text } from './kit.ts';

const PAGE = 'docs/websockets.md';
const ASKING: HeaderList = [
  ['Connection', 'keep-alive, Upgrade'],
  ['Upgrade', 'audit/1'],
];
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: audit/1\r\n\r\n';

/** Takes the socket over, answers 101, and sends everything back in capitals, the octets that came first too. */
function takeOver(environ: Environ): Duplex {
  const upgrade = environ['gateway.upgrade'];
  assert.ok(upgrade !== undefined, 'gateway.upgrade must be there');
  const { socket, head } = upgrade();
  // As the contract says.
  const duplex = socket as Duplex;
  const answer = (data: Uint8Array): unknown => duplex.write(Buffer.from(data).toString().toUpperCase());
  duplex.on('error', () => {});
  duplex.write(SWITCHED);
  if (head.length > 0) answer(head);
  duplex.on('data', answer);
  duplex.on('end', () => duplex.end());
  return duplex;
}

/** Takes over what can be taken over, and answers the rest. */
const talking: ApplicationFunction = (environ, startResponse) => {
  if (environ['gateway.upgrade'] !== undefined) {
    takeOver(environ);
    return [];
  }
  startResponse('200 OK', text());
  return [octets(`plain ${environ.PATH_INFO}`)];
};

async function askFor(stage: Stage, more = '', headers: HeaderList = ASKING): Promise<WireClient> {
  const client = stage.open();
  client.send(Buffer.concat([stage.format({ headers }), Buffer.from(more)]));
  return client;
}

async function assertSwitched(client: WireClient, said = ''): Promise<void> {
  equal((await client.readHead()).statusCode, 101);
  if (said !== '') equal((await client.readOctets(said.length)).toString(), said);
}

async function assertTalks(client: WireClient): Promise<void> {
  client.send('hello');
  equal((await client.readOctets(5)).toString(), 'HELLO');
}

/** Requests to which gateway.upgrade does not belong. */
const NOT_ASKING: Readonly<Record<string, HeaderList>> = {
  nothing: [],
  'no-option': [['Upgrade', 'audit/1']],
  'no-protocol': [['Connection', 'Upgrade']],
};

/** Ways of an application to fail once it has the socket. */
const FAILURES: Readonly<Record<string, Application>> = {
  throws: (environ) => {
    takeOver(environ);
    throw new Error('after the socket');
  },
  rejects: async (environ) => {
    takeOver(environ);
    throw new Error('after the socket');
  },
  yields: async function* (environ) {
    takeOver(environ);
    yield* [];
    throw new Error('after the socket');
  },
};

/** The audits of lines 251 to 255. */
export const UPGRADE_AUDITS: readonly GatewayAudit[] = [
  ...Object.entries(NOT_ASKING).map(([name, headers]) =>
    audit({
      id: `upgrade-251-offered-${name}`,
      sentence: 'MUST offer gateway.upgrade only for a request that asks for another protocol',
      citation: `${PAGE}; RFC 9110 §7.8`,
      needs: ['upgrade'],
      async run(host) {
        await onStage(host, talking, async ({ fetch }) => {
          equal((await fetch({ headers })).content.toString(), 'plain /');
        });
      },
    }),
  ),
  audit({
    id: 'upgrade-251-content',
    sentence: 'MUST NOT offer gateway.upgrade for a request with content, whose octets stay content',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const reading: Application = async (environ, startResponse) => {
        const content = Buffer.from(await environ['wsgi.input'].read()).toString();
        startResponse('200 OK', text());
        return [octets(`${environ['gateway.upgrade'] === undefined} ${content}`)];
      };
      await onStage(host, reading, async ({ fetch }) => {
        const asking = { method: 'POST', headers: ASKING };
        equal((await fetch({ ...asking, content: 'abc' })).content.toString(), 'true abc');
        equal((await fetch({ ...asking, chunks: ['ab', 'cd'] })).content.toString(), 'true abcd');
      });
    },
  }),
  audit({
    id: 'upgrade-251-http-1-0',
    sentence: 'MUST NOT offer gateway.upgrade to a client of HTTP/1.0',
    citation: 'RFC 9110 §7.8',
    needs: ['upgrade'],
    async run(host) {
      await onStage(host, talking, async ({ fetch }) => {
        const response = await fetch({ protocol: 'HTTP/1.0', headers: ASKING });
        equal(response.content.toString(), 'plain /');
      });
    },
  }),
  audit({
    id: 'upgrade-251-answered',
    sentence: 'MUST send the response of an application that does not call gateway.upgrade',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const refusing: Application = async (environ, startResponse) => {
        assert.ok(environ['gateway.upgrade'] !== undefined, 'gateway.upgrade must be there');
        startResponse('403 Forbidden', text());
        return [octets('refused')];
      };
      await onStage(host, refusing, async (stage) => {
        const client = await askFor(stage);
        const { statusCode, content } = await client.readResponse();
        deepEqual([statusCode, content.toString()], [403, 'refused']);
      });
    },
  }),
  audit({
    id: 'upgrade-252-octets',
    sentence: 'MUST hand over every octet that comes after the request',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const late: Application = async (environ) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        takeOver(environ);
        return [];
      };
      for (const application of [talking, late]) {
        await onStage(host, application, async (stage) => {
          const client = await askFor(stage);
          await assertSwitched(client);
          await assertTalks(client);
          const large = 'x'.repeat(200_000);
          const eager = await askFor(stage, `first${large}`);
          await assertSwitched(eager, `FIRST${large.toUpperCase()}`);
          await assertTalks(eager);
        });
      }
    },
  }),
  audit({
    id: 'upgrade-252-pipelined',
    sentence: 'MUST send earlier responses before it hands over the socket',
    citation: 'RFC 9112 §9.3.2',
    needs: ['upgrade'],
    async run(host) {
      const slow: Application = async (environ, startResponse) => {
        if (environ['gateway.upgrade'] === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
        return talking(environ, startResponse);
      };
      await onStage(host, slow, async (stage) => {
        const client = stage.open();
        client.send(Buffer.concat([stage.format(), stage.format({ headers: ASKING }), Buffer.from('next')]));
        equal((await client.readResponse()).content.toString(), 'plain /');
        await assertSwitched(client, 'NEXT');
      });
    },
  }),
  audit({
    id: 'upgrade-253-once',
    sentence: 'MUST refuse a second call of gateway.upgrade',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const errors: unknown[] = [];
      const greedy: Application = (environ) => {
        takeOver(environ);
        try {
          environ['gateway.upgrade']?.();
        } catch (error) {
          errors.push(error);
        }
        return [];
      };
      await onStage(host, greedy, async (stage) => {
        const client = await askFor(stage);
        await assertSwitched(client);
        await assertTalks(client);
        equal(errors.length, 1, 'The second call must throw');
      });
    },
  }),
  audit({
    id: 'upgrade-253-after-start-response',
    sentence: 'MUST refuse a call of gateway.upgrade after startResponse, and send the response',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const undecided: Application = (environ, startResponse) => {
        startResponse('200 OK', text());
        try {
          environ['gateway.upgrade']?.();
        } catch {
          return [octets('refused')];
        }
        return [octets('handed over')];
      };
      await onStage(host, undecided, async (stage) => {
        const client = await askFor(stage);
        equal((await client.readResponse()).content.toString(), 'refused');
      });
    },
  }),
  audit({
    id: 'upgrade-254-no-response',
    sentence: 'MUST send nothing of the application after it has handed over the socket',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const talkative: Application = (environ, startResponse) => {
        takeOver(environ);
        const write = startResponse('200 OK', text());
        write(octets('written')).catch(() => {});
        return [octets('content')];
      };
      await onStage(host, talkative, async (stage) => {
        const client = await askFor(stage);
        await assertSwitched(client);
        await assertTalks(client);
      });
    },
  }),
  audit({
    id: 'upgrade-254-close',
    sentence: 'MUST close the body, and call the callbacks of on_finished without status and error',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const events: unknown[] = [];
      const application: Application = (environ) => {
        takeOver(environ);
        environ['gateway.on_finished']?.((_environ, status, headers, error) => {
          events.push(['finished', status, headers, error]);
        });
        const body: Uint8Array[] & { close?(): void } = [];
        const close = (): void => void events.push('close');
        body.close = close;
        return body;
      };
      await onStage(host, application, async (stage) => {
        const client = await askFor(stage);
        await assertSwitched(client);
        await eventually(() => events.length >= 2, 'close and on_finished');
        await assertTalks(client);
        deepEqual(events, ['close', ['finished', undefined, undefined, undefined]]);
      });
    },
  }),
  ...Object.entries(FAILURES).map(([name, application]) =>
    audit({
      id: `upgrade-254-failure-${name}`,
      sentence: 'MUST destroy the socket of an application that fails once it has it, and log the error',
      citation: PAGE,
      needs: ['upgrade'],
      async run(host) {
        await onStage(host, application, async (stage) => {
          const client = await askFor(stage);
          await client.readRest();
          await eventually(() => stage.server.log().includes('after the socket'), 'a line in the log');
        });
      },
    }),
  ),
  audit({
    id: 'upgrade-254-departed',
    sentence: 'MUST throw a DisconnectError if the client has left before the call',
    citation: PAGE,
    needs: ['upgrade'],
    async run(host) {
      const errors: unknown[] = [];
      let called = false;
      const patient: Application = async (environ) => {
        called = true;
        await new Promise((resolve) => setTimeout(resolve, 100));
        let handedOver: HandedOver | undefined;
        try {
          handedOver = environ['gateway.upgrade']?.();
        } catch (error) {
          errors.push(error);
          throw error;
        }
        handedOver?.socket.destroy();
        return [];
      };
      await onStage(host, patient, async (stage) => {
        const client = await askFor(stage);
        await eventually(() => called, 'a call of the application');
        client.reset();
        await eventually(() => errors.length > 0, 'an error of gateway.upgrade');
        assert.ok(isDisconnection(errors[0]), 'The error must be a DisconnectError');
      });
    },
  }),
  audit({
    id: 'upgrade-255-middleware',
    sentence: 'MUST hand the socket over through middleware and dispatch',
    citation: PAGE,
    needs: ['upgrade', 'middleware'],
    async run(host) {
      const { middleware } = host;
      assert.ok(middleware, 'The host must have middleware');
      const paths: unknown[] = [];
      const inner: Application = (environ, startResponse) => {
        paths.push([environ.SCRIPT_NAME.slice(-5), environ.PATH_INFO]);
        return talking(environ, startResponse);
      };
      for (const [name, layer] of Object.entries({ ...middleware.transparent, ...middleware.changing })) {
        const layered = middleware.dispatch({ '/deep': layer(inner) }, talking);
        await onStage(host, layered, async (stage) => {
          const client = stage.open();
          client.send(stage.format({ target: '/deep/x', headers: ASKING }));
          await assertSwitched(client).catch((error: unknown) => {
            throw new assert.AssertionError({ message: `Not through ${name}: ${String(error)}` });
          });
          await assertTalks(client);
        });
      }
      for (const path of paths) deepEqual(path, ['/deep', '/x']);
    },
  }),
];
