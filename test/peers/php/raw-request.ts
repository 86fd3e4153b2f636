/** Requests for paths as they stand, which fetch and browsers would tidy up. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** A response. */
export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How a request is sent. */
export interface RawOptions {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Sends a request. @param path Is sent as it is, behind the path of the URL */
export function ask(url: string, path: string, options: RawOptions = {}): Promise<RawResponse> {
  const { method = 'GET', headers = {}, body } = options;
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ hostname, port, method, agent },
      path: `${pathname === '/' ? '' : pathname}${path}`,
      headers: { ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) },
    });
    sent.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1');
        resolve({ status: Number(response.statusCode), headers: response.headers, text });
      });
    });
    sent.end(body);
  });
}
