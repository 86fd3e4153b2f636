/**
 * The same inputs over real sockets: the server must answer what the parser reads.
 *
 * A client behaves in one of four ways, and must not harm the server or another client:
 * - `patient`: sends everything in pieces, closes its half, and takes every answer. Answers are compared with the
 *   parser's reading, which the campaign compares with node's.
 * - `silent`: sends a part and waits; a time-out must end it.
 * - `reset`: resets the connection at any octet.
 * - `noise`: sends octets that are not HTTP, and closes its half; it must be refused.
 */
import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { WireClient } from '../../src/conformance/wire-client.ts';
import { createServer, type Server, type ServerOptions } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { type Answer, predictAnswers } from './answers.ts';
import { generateInput } from './generator.ts';
import { readWithOurs } from './our-reading.ts';
import { Random } from './random.ts';

export interface LoopbackOptions {
  readonly seed: number;
  readonly connections: number;
}

export interface LoopbackFinding {
  readonly index: number;
  readonly behaviour: Behaviour;
  readonly input: string;
  readonly message: string;
}

export interface LoopbackResult {
  /** The number of clients by behaviour. */
  readonly behaviours: Readonly<Record<Behaviour, number>>;
  /** Answers that patient clients took. */
  readonly answers: number;
  readonly findings: readonly LoopbackFinding[];
  /** Sockets of this process that are open at the end, beyond those at the start. */
  readonly leaked: number;
  /** Lines that the servers have logged; must be empty, because no application fails. */
  readonly log: readonly string[];
}

export type Behaviour = 'patient' | 'silent' | 'reset' | 'noise';

const BEHAVIOURS: readonly Behaviour[] = ['patient', 'patient', 'patient', 'silent', 'reset', 'noise'];
const AT_ONCE = 16;
const DEADLINE = 15_000;
/** Time-outs in milliseconds: for clients that must be cut off, and for the others. */
const SHORT = 300;
const LONG = 10_000;

/** Answers with the content that it has read. */
const reading: Application = async (environ, startResponse) => {
  const content = Buffer.from(await environ['wsgi.input'].read());
  startResponse('200 OK', []);
  return [describe(environ.REQUEST_METHOD, String(environ.REQUEST_URI), content.toString('latin1'))];
};

/** Answers without reading. */
const ignoring: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return [describe(environ.REQUEST_METHOD, String(environ.REQUEST_URI), '')];
};

function describe(method: string, target: string, content: string): Buffer {
  return Buffer.from(JSON.stringify([method, target, content]));
}

export async function runLoopback(options: LoopbackOptions): Promise<LoopbackResult> {
  const log: string[] = [];
  const socketsBefore = countSockets();
  const readers = await start(reading, LONG, log);
  const ignorers = await start(ignoring, LONG, log);
  const impatient = await start(reading, SHORT, log);
  const behaviours = { patient: 0, silent: 0, reset: 0, noise: 0 };
  const findings: LoopbackFinding[] = [];
  let answers = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < options.connections && findings.length < 10) {
      const index = next;
      next += 1;
      const random = new Random(options.seed, index);
      const input = generateInput(random);
      const behaviour = random.pick(BEHAVIOURS);
      const isReading = behaviour !== 'patient' || random.once(2);
      const server = behaviour === 'silent' ? impatient : isReading ? readers : ignorers;
      behaviours[behaviour] += 1;
      try {
        const taken = await behave(behaviour, server, { random, input, isReading });
        answers += taken;
      } catch (error) {
        findings.push({ index, behaviour, input, message: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const server of [readers, ignorers, impatient]) await server.shutdown({ timeout: LONG });
  // A destroyed socket disappears a few turns later.
  for (let turn = 0; turn < 100 && countSockets() > socketsBefore; turn += 1) await delay(10);
  return { behaviours, answers, findings, leaked: countSockets() - socketsBefore, log };
}

function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
}

async function start(application: Application, timeout: number, log: string[]): Promise<Server> {
  const errors = { write: (text: string) => log.push(text), writelines: () => {}, flush: () => {} };
  const options: ServerOptions = {
    environ: { 'wsgi.errors': errors },
    headersTimeout: timeout,
    requestTimeout: timeout,
    keepAliveTimeout: timeout,
    drainTimeout: timeout,
    writeTimeout: timeout,
  };
  const server = createServer(application, options);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

interface Conduct {
  readonly random: Random;
  readonly input: string;
  readonly isReading: boolean;
}

/** Runs one client; gives the number of answers that it took. */
async function behave(behaviour: Behaviour, server: Server, conduct: Conduct): Promise<number> {
  const { random, input } = conduct;
  // The server listens on a port.
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const client = new WireClient(socket, DEADLINE);
  try {
    switch (behaviour) {
      case 'patient':
        return await bePatient(client, conduct);
      case 'silent':
        await send(client, input.slice(0, random.below(input.length + 1)), random);
        await client.farewell();
        return 0;
      case 'reset':
        await send(client, input.slice(0, random.below(input.length + 1)), random);
        client.reset();
        return 0;
      case 'noise': {
        const noise = Array.from({ length: 1 + random.below(2_000) }, () => random.below(256));
        await send(client, String.fromCharCode(...noise), random);
        client.halfClose();
        const { statusCode } = await client.readHead();
        assert.ok(statusCode >= 400 && statusCode < 600, `Noise was answered with ${statusCode}`);
        return 0;
      }
    }
  } finally {
    client.destroy();
  }
}

async function send(client: WireClient, input: string, random: Random): Promise<void> {
  let start = 0;
  for (const end of random.cuts(input.length, random.pick([1, 1, 2, 4, 16]))) {
    client.send(input.slice(start, end));
    start = end;
    await nextTurn();
  }
}

async function bePatient(client: WireClient, { random, input, isReading }: Conduct): Promise<number> {
  const octets = Buffer.from(input, 'latin1');
  const prediction = readWithOurs(octets, [octets.length], { allowConnect: false });
  const expected = predictAnswers(prediction, isReading);
  const sending = send(client, input, random).then(() => client.halfClose());
  for (const answer of expected) await take(client, answer);
  await sending;
  const rest = (await client.readRest()).toString('latin1');
  // A 100 for content that did not come may precede the end of the client's half.
  assert.equal(
    rest.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n$/, ''),
    '',
    'Nothing must follow the last answer',
  );
  return expected.length;
}

async function take(client: WireClient, { method, statusCode, content }: Answer): Promise<void> {
  const response = await client.readResponse(method);
  assert.equal(response.statusCode, statusCode, `Status of the answer to ${method}`);
  if (content !== undefined && method !== 'HEAD') assert.equal(response.content.toString(), content);
}
