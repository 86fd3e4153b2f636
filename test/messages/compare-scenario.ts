/** Plays a scene on node:http and on the standalone server. */
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { GET, type Scene, type Trail } from './scene.ts';
import { type Listening, listenNode, listenOurs, pause, until, withoutDate } from './side-by-side.ts';

/** Expects that program and client see the same on both servers; on a machine that is busy, at a second try. */
export async function expectAlike(scene: Scene): Promise<void> {
  let [onNode, onOurs] = await playTwice(scene, 30);
  for (let patience = 120; patience < 1000 && !isDeepStrictEqual(onNode, onOurs); patience *= 4) {
    [onNode, onOurs] = await playTwice(scene, patience);
  }
  expect(onOurs).toEqual(onNode);
}

/** What program and client saw. */
interface Account {
  readonly trail: Trail;
  readonly wire: string;
}

async function playTwice(scene: Scene, patience: number): Promise<[Account, Account]> {
  const [onNode, onOurs]: [Trail, Trail] = [[], []];
  const node = await listenNode(
    (req, res) => scene.run(req, res, onNode),
    (server) => scene.prepare?.(server, onNode),
  );
  const expected = await play({ ...scene, patience }, node, onNode);
  const ours = await listenOurs(
    fromNode((req, res) => scene.run(req, res, onOurs)),
    (server) => scene.prepare?.(server, onOurs),
  );
  const actual = await play({ ...scene, patience }, ours, onOurs);
  const compared = (wire: string): string =>
    scene.isRefused === true ? wire.replace(/\r\n.*\[/s, ' [') : wire;
  return [
    { trail: onNode, wire: compared(expected) },
    { trail: onOurs, wire: compared(actual) },
  ];
}

/** How many milliseconds the server gets to close the connection after all has happened. */
interface Play extends Scene {
  readonly patience: number;
}

async function play(scene: Play, listening: Listening, trail: Trail): Promise<string> {
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
  await (scene.client ?? ((client: Socket) => client.write(GET)))(socket);
  await until(() => trail.some((line) => line.startsWith(scene.last)));
  await pause(scene.patience);
  const end = isClosed ? 'closed' : 'open';
  socket.destroy();
  await listening.close();
  return withoutDate(`${wire.length > 2000 ? wire.length : wire} [${end}]`);
}
