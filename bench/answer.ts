/**
 * Checks that compared servers give the same answer: status, field names, type and content.
 *
 * A server that sends less is faster for it, so that such a comparison does not begin.
 */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { engineOf } from './engines.ts';
import { startServer } from './server-process.ts';
import { DIGITS, isByMebibyte, NUMBER, type Work } from './work.ts';

/** The compared parts of an answer. */
interface Answer {
  /** Protocol and code, without the reason phrase. */
  readonly status: string;
  /** Names of fields, in lower case and sorted. */
  readonly names: string;
  readonly type: string;
  readonly content: string;
}

/** @throws Error if the answer of a server differs from that of the first */
export async function checkAnswers(work: Work, node: string): Promise<void> {
  // The client checks the length of so much content, and all of it is alike. It counts events that never end.
  if (isByMebibyte(work) || work.crowd?.kind === 'events') return;
  let expected: Answer | undefined;
  for (const name of work.servers) {
    const server = await startServer(name, node);
    let answer: Answer;
    try {
      answer = await (work.http2 ? askHttp2 : ask)(server.port, work);
    } finally {
      await server.stop();
    }
    expected ??= answer;
    // Another engine sends other fields about the connection, and says more or less about compression.
    const names = engineOf(name) === undefined ? answer.names : expected.names;
    const [wanted, found] = [JSON.stringify(expected), JSON.stringify({ ...answer, names })];
    if (!answer.status.endsWith(' 200') || wanted !== found) {
      throw new Error(`${name} answers otherwise than ${work.servers[0]}\n${wanted}\n${found}`);
    }
  }
}

async function ask(port: number, { request: template, isTls }: Work): Promise<Answer> {
  const { method, path, headers, content } = template;
  const number = '1'.repeat(DIGITS);
  const lines = [`${method} ${path.replaceAll(NUMBER, number)} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value.replaceAll(NUMBER, number)}`);
  if (content !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(content)}`);
  const place = { port, host: '127.0.0.1' };
  const socket = isTls === true ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
  const request = `${lines.join('\r\n')}\r\n\r\n${content ?? ''}`;
  // A second request ends the connection, so that the first is answered as under load. Its answer is ignored.
  socket.write(`${request}GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`);
  socket.setTimeout(5000, () => socket.end());
  const received = await text(socket);
  const end = received.indexOf('\r\n\r\n');
  const [status = '', ...fields] = received.slice(0, end).split('\r\n');
  const pairs = fields.map((field) => [
    field.split(':', 1)[0]?.toLowerCase() ?? '',
    field.replace(/^.*?: */, ''),
  ]);
  const values = new Map(pairs.map(([name = '', value = '']) => [name, value]));
  const after = received.slice(end + 4);
  return {
    status: status.slice(0, 'HTTP/1.1 200'.length),
    names: [...values.keys()].sort().join(' '),
    // RFC 9110 §8.3.1: whitespace before a parameter says nothing.
    type: (values.get('content-type') ?? '').replaceAll('; ', ';').toLowerCase(),
    content: values.has('transfer-encoding')
      ? joinChunks(after)
      : after.slice(0, Number(values.get('content-length') ?? Number.NaN)),
  };
}

async function askHttp2(port: number, { request: { path } }: Work): Promise<Answer> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': path });
  const fields = await new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
  const content = await text(stream);
  session.close();
  const names = Object.keys(fields).sort().join(' ');
  return { status: `HTTP/2 ${fields[':status']}`, names, type: String(fields['content-type']), content };
}

/** Content without the limits of its chunks, which servers may set as they like. */
function joinChunks(chunked: string): string {
  let content = '';
  let rest = chunked;
  for (;;) {
    const end = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return content;
    content += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 2 + size + 2);
  }
}
