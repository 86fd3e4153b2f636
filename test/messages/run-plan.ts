/** Runs one plan on two servers: sends its request, answers with its program, and collects the outcome of each. */
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { fromNode } from '../../bridges/node/index.ts';
import { type Operation, runProgram, turns, type Watch } from './program.ts';
import type { Entry } from './program-context.ts';
import { type Listening, listenNode, listenOurs, pause, withoutDate } from './side-by-side.ts';

export interface Plan {
  readonly request: RequestPlan;
  readonly watch: Watch;
  readonly operations: readonly Operation[];
}

export interface RequestPlan {
  readonly method: string;
  readonly version: '1.0' | '1.1';
  readonly connection: 'close' | 'keep-alive' | 'unsaid';
  readonly content: 'none' | 'length' | 'chunked' | 'trailers';
  /** The same request follows in the same segment. */
  readonly isPipelined: boolean;
}

/** The outcome of a plan on one server. */
export interface Outcome {
  /** One record for each request. */
  readonly records: readonly (readonly Entry[])[];
  readonly wire: string;
  /** The server closed the connection. */
  readonly isClosed: boolean;
}

/** A node:http server and ours, for any number of plans. */
export interface ServerPair {
  run(plan: Plan): Promise<{ readonly node: Outcome; readonly ours: Outcome }>;
  close(): Promise<void>;
}

/** Milliseconds after which a plan without an end counts as finished. */
const PATIENCE = 400;

export async function openServerPair(): Promise<ServerPair> {
  const runners = [new PlanRunner(), new PlanRunner()] as const;
  const [node, ours] = [
    await listenNode(runners[0].listener),
    await listenOurs(fromNode(runners[1].listener)),
  ];
  return {
    async run(plan) {
      const outcomes = await Promise.all([runners[0].run(plan, node), runners[1].run(plan, ours)]);
      return { node: outcomes[0], ours: outcomes[1] };
    },
    async close() {
      await Promise.all([node.close(), ours.close()]);
    },
  };
}

interface Running {
  readonly plan: Plan;
  readonly records: Entry[][];
  closed: number;
}

/** Runs plans on one server. */
class PlanRunner {
  readonly #running = new Map<string, Running>();
  #count = 0;

  readonly listener: RequestListener = (req, res) => {
    const running = this.#running.get(String(req.headers['x-plan']));
    if (running === undefined) return;
    const record: Entry[] = [];
    running.records.push(record);
    res.on('close', () => {
      running.closed += 1;
    });
    // Ignores the promise, as node ignores that of a listener.
    void runProgram(running.plan.operations, running.plan.watch, { req, res, record });
  };

  async run(plan: Plan, { port }: Listening): Promise<Outcome> {
    const id = String(this.#count++);
    const running: Running = { plan, records: [], closed: 0 };
    this.#running.set(id, running);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const pieces: Buffer[] = [];
    let isClosed = false;
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => {});
    socket.on('close', () => {
      isClosed = true;
    });
    const text = formatRequest(plan.request, id);
    const expected = plan.request.isPipelined ? 2 : 1;
    socket.write(text.repeat(expected));
    const wire = (): string => withoutDate(Buffer.concat(pieces).toString('latin1'));
    const isOver = (): boolean =>
      isClosed || (running.closed === expected && !/^connection: close/im.test(wire()) && !isCut(plan));
    for (let spent = 0; spent < PATIENCE && !isOver(); spent += 3) await pause(3);
    await turns(6);
    this.#running.delete(id);
    const outcome = {
      records: running.records.map((record) => [...record]),
      wire: wire(),
      isClosed,
    };
    socket.destroy();
    return outcome;
  }
}

/** Tells if the program cuts the connection. */
export function isCut({ operations }: Plan): boolean {
  return operations.some((item) => 'call' in item && item.call.endsWith('.destroy'));
}

const CONTENT = 'hello world';

function formatRequest({ method, version, connection, content }: RequestPlan, id: string): string {
  const lines = [`${method} /p?q=1 HTTP/${version}`, 'Host: a', `X-Plan: ${id}`];
  if (connection !== 'unsaid') lines.push(`Connection: ${connection}`);
  if (content === 'none') return `${lines.join('\r\n')}\r\n\r\n`;
  if (content === 'length') {
    lines.push(`Content-Length: ${CONTENT.length}`);
    return `${lines.join('\r\n')}\r\n\r\n${CONTENT}`;
  }
  lines.push('Transfer-Encoding: chunked');
  const trailer = content === 'trailers' ? 'X-T: 1\r\nX-T: 2\r\n' : '';
  return `${lines.join('\r\n')}\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n${trailer}\r\n`;
}
