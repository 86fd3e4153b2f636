/**
 * Answers requests by programs: fixes the order of events for CGI and FastCGI. A program is run, its head is read, and its output
 * becomes the body; a local redirect runs it again.
 */
import { isPromise, logLine, logOf } from '../../src/gateway/index.ts';
import type {
  ApplicationFunction,
  Body,
  Environ,
  EnvironPairs,
  ErrorStream,
  StartResponse,
} from '../../src/index.ts';
import { redirectedEnviron } from './local-redirect.ts';
import { isBodiless, ProgramBody, type ProgramOutput } from './program-output.ts';
import { type ParsedHead, ResponseHeadParser } from './response-head.ts';

const NOTHING = new Uint8Array(0);

/** Runs a program. */
export interface ProgramRunner {
  /** Octets of the head of a response, at most. */
  readonly maxHeadSize: number;
  /** Runs the program for a request, or gives an application that answers in its place. */
  start(environ: Environ): ProgramOutput | ApplicationFunction | Promise<ProgramOutput | ApplicationFunction>;
  /** The application that answers local redirects to paths outside of the mount. Without it the client is redirected. */
  readonly elsewhere?: ApplicationFunction | undefined;
}

/** Answers a request. Rejects as `start` and the output of the program do. */
export async function answerByProgram(
  runner: ProgramRunner,
  received: Environ,
  startResponse: StartResponse,
): Promise<Body> {
  for (let environ = received; ; ) {
    const starting = runner.start(environ);
    const run = isPromise(starting) ? await starting : starting;
    if (typeof run === 'function') return run(environ, startResponse);
    try {
      const parser = new ResponseHeadParser(run.program, runner.maxHeadSize);
      let parsed: ParsedHead | undefined;
      do {
        const octets = await run.pull();
        if (octets === null) throw parser.incomplete(run.describeEnd());
        parsed = parser.push(octets);
      } while (parsed === undefined);
      const { head, rest } = parsed;
      if (head.kind === 'document') {
        const write = startResponse(head.status, head.headers);
        if (!isBodiless(environ, head.status)) {
          // An array costs a host less than a body that is pulled. Of an array it would declare the length (PEP 3333), so the
          // program must have done so.
          if (run.isComplete && rest.length === head.contentLength) {
            run.discard();
            return [rest];
          }
          // Clients of event streams wait for the head.
          if (rest.length === 0 && (await run.isPausing())) await write(NOTHING);
          return new ProgramBody(run, rest, head.contentLength);
        }
        run.discard();
        return run.isComplete ? [] : new ProgramBody(run, rest, 0);
      }
      run.discard();
      const below = redirectedEnviron(environ, head.location, 'mount');
      if (below === undefined) return leave(runner, environ, head.location)(environ, startResponse);
      environ = below;
    } catch (error) {
      run.abort(error);
      throw error;
    }
  }
}

/** Gives the application for a local redirect to a path outside of the mount. */
function leave({ elsewhere }: ProgramRunner, environ: Environ, location: string): ApplicationFunction {
  const redirected = redirectedEnviron(environ, location, 'site');
  if (elsewhere !== undefined && redirected !== undefined)
    return (_environ, startResponse) => elsewhere(redirected, startResponse);
  // The client asks for the path itself.
  return (_environ, startResponse) => {
    startResponse('302 Found', [['Location', location]]);
    return [];
  };
}

/** Logs what a program writes, and what is to be said of it, beside the request that it serves. */
export function programLog(environ: Environ, pairs: EnvironPairs, name: string): (line: string) => void {
  return (line) => {
    // Who passes another stream is trusted to pass one; logging never throws.
    const errors = (pairs['wsgi.errors'] as ErrorStream | undefined) ?? environ['wsgi.errors'];
    logLine({ ...logOf(environ), errors }, `${name} ${line}`);
  };
}
