/** Runs a scenario on node:http and on the standalone server. */
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { GET, type Scenario, type Trail } from './scenario.ts';
import { type Listening, listenNode, listenOurs, pause, until, withoutDate } from './side-by-side.ts';

/** Expects that program and client see the same on both servers. Tries again more slowly if the machine is busy. */
export async function expectAlike(scenario: Scenario): Promise<void> {
  let [onNode, onOurs] = await runOnBoth(scenario, 30);
  for (let patience = 120; patience < 1000 && !isDeepStrictEqual(onNode, onOurs); patience *= 4) {
    [onNode, onOurs] = await runOnBoth(scenario, patience);
  }
  expect(onOurs).toEqual(onNode);
}

/** The observations of program and client. */
interface Account {
  readonly trail: Trail;
  readonly wire: string;
}

async function runOnBoth(scenario: Scenario, patience: number): Promise<[Account, Account]> {
  const [onNode, onOurs]: [Trail, Trail] = [[], []];
  const node = await listenNode(
    (req, res) => scenario.run(req, res, onNode),
    (server) => scenario.prepare?.(server, onNode),
  );
  const expected = await runScenario({ ...scenario, patience }, node, onNode);
  const ours = await listenOurs(
    fromNode((req, res) => scenario.run(req, res, onOurs)),
    (server) => scenario.prepare?.(server, onOurs),
  );
  const actual = await runScenario({ ...scenario, patience }, ours, onOurs);
  const compared = (wire: string): string =>
    scenario.isRefused === true ? wire.replace(/\r\n.*\[/s, ' [') : wire;
  return [
    { trail: onNode, wire: compared(expected) },
    { trail: onOurs, wire: compared(actual) },
  ];
}

/** A scenario with the milliseconds that the server gets to close the connection at the end. */
interface TimedScenario extends Scenario {
  readonly patience: number;
}

async function runScenario(scenario: TimedScenario, listening: Listening, trail: Trail): Promise<string> {
  const socket = connect(listening.port, '127.0.0.1');
  let wire = '';
  let isClosed = false;
  socket.on('data', (piece) => {
    wire += piece.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  await (scenario.client ?? ((client: Socket) => client.write(GET)))(socket);
  await until(() => trail.some((line) => line.startsWith(scenario.last)));
  await pause(scenario.patience);
  const end = isClosed ? 'closed' : 'open';
  socket.destroy();
  await listening.close();
  return withoutDate(`${wire.length > 2000 ? wire.length : wire} [${end}]`);
}
