/** What the tests of toLambda share: applications, logs, and a client of results. */
import { type LambdaResult, toLambda } from '../../../bridges/lambda/index.ts';
import type { Application, Environ, HeaderList } from '../../../src/index.ts';

/** A response at the client. */
export interface ClientResponse {
  readonly statusCode: number;
  /** Field lines with names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly content: Buffer;
  field(name: string): string | undefined;
  cookies(): string[];
}

/** Reads the result of an invocation as the platforms do, after it was JSON. */
export function readResult(returned: LambdaResult): ClientResponse {
  const result: LambdaResult = JSON.parse(JSON.stringify(returned));
  const single = Object.entries(result.headers ?? {});
  const multiple = Object.entries(result.multiValueHeaders ?? {}).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  const cookies = (result.cookies ?? []).map((cookie) => ['set-cookie', cookie] as const);
  const fields = [...single, ...multiple, ...cookies].map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return {
    statusCode: result.statusCode,
    fields,
    content: Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'),
    field: (wanted) => fields.find(([name]) => name === wanted)?.[1],
    cookies: () => fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
  };
}

/** Runs an application that answers nothing, and gives its environ. */
export async function environFor(event: object, options: object = {}): Promise<Environ> {
  let seen: Environ | undefined;
  const application: Application = (environ, startResponse) => {
    seen = environ;
    startResponse('200 OK', []);
    return [];
  };
  const result = await toLambda(application, options)(event);
  if (seen === undefined) throw new Error(`Application was not called: ${JSON.stringify(result)}`);
  return seen;
}

/** An application that answers with one response. */
export const answering =
  (status: string, headers: HeaderList, ...body: (string | Uint8Array)[]): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return body;
  };

/** A log that is given as `wsgi.errors`. */
export function createLog() {
  const entries: string[] = [];
  const errors = { write: (text: string) => void entries.push(text), writelines() {}, flush() {} };
  return { entries, environ: { 'wsgi.errors': errors } };
}
