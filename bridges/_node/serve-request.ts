/**
 * Runs an application for one request of a host whose request and response are node's.
 *
 * All that the bridges to such hosts differ in is handed in: what routing did, and the sink, which knows the host's
 * own error path.
 */
import {
  type ApplicationFunction,
  createEnviron,
  type Environ,
  type EnvironOptions,
  type GatewayOptions,
  type ResponseSink,
  runApplication,
} from '../../src/index.ts';
import { addNodeObjects, type BodyFinder, createNodeRequest, type HostRequest } from './node-request.ts';

/** What a deployer decides about one mount, in every host. */
export interface MountOptions extends EnvironOptions, GatewayOptions {}

/** Serves the requests of one mount. */
export interface Mount<Host extends HostRequest = HostRequest> {
  readonly application: ApplicationFunction;
  readonly options: MountOptions;
  /** Finds what a parser of the host left; by default what is on the request. */
  readonly findBody?: BodyFinder<Host> | undefined;
  /** Puts the objects of the host into the environ, beside those of node. */
  readonly addObjects?: ((environ: Environ, host: Host) => void) | undefined;
}

/**
 * Serves one request.
 *
 * @param mount What is served
 * @param host The request
 * @param sink Where the response goes
 * @returns nothing if all is done already, otherwise a promise of it, which never rejects
 */
export function serve<Host extends HostRequest>(
  mount: Mount<Host>,
  host: Host,
  sink: ResponseSink,
): Promise<void> | undefined {
  const { options } = mount;
  const request = createNodeRequest(host, mount.findBody);
  let environ: Environ;
  let { application } = mount;
  try {
    environ = createEnviron(request, options);
  } catch (error) {
    // A request that cannot become an environ takes the way of every other failure.
    application = () => {
      throw error;
    };
    environ = createEnviron({ ...request, rawHeaders: [] });
  }
  addNodeObjects(environ, host);
  mount.addObjects?.(environ, host);
  // What the deployer says goes over everything.
  if (options.environ !== undefined) Object.assign(environ, options.environ);
  const running = runApplication(application, environ, sink, options);
  if (running !== undefined) return running.then(() => request.input.release());
  request.input.release();
  return undefined;
}
