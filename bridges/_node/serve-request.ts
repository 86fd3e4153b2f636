/**
 * Runs an application for one request of a host with node's request and response.
 *
 * The bridges to such hosts differ only in what they pass in: the result of routing, and a sink that knows the host's
 * error path.
 */
import { createReceivedEnviron, failWith, tryPairs } from '../../src/gateway/index.ts';
import {
  type ApplicationFunction,
  type Environ,
  type EnvironOptions,
  type GatewayOptions,
  type ResponseSink,
  runApplication,
} from '../../src/index.ts';
import { addNodeObjects, type BodyFinder, createNodeRequest, type HostRequest } from './node-request.ts';

/** Options of one mount, in every host. */
export interface MountOptions extends EnvironOptions, GatewayOptions {}

/** One mounted application. */
export interface Mount<Incoming extends HostRequest = HostRequest> {
  readonly application: ApplicationFunction;
  readonly options: MountOptions;
  /** Finds what a parser of the host left; by default on the request itself. */
  readonly findBody?: BodyFinder<Incoming> | undefined;
  /** Puts the host's objects into the environ, beside node's. */
  readonly addObjects?: ((environ: Environ, hostRequest: Incoming) => void) | undefined;
}

/**
 * Serves one request.
 *
 * @param mount The application
 * @param hostRequest The request
 * @param sink Takes the response
 * @returns nothing if all is done, otherwise a promise, which never rejects
 */
export function serve<Incoming extends HostRequest>(
  mount: Mount<Incoming>,
  hostRequest: Incoming,
  sink: ResponseSink,
): Promise<void> | undefined {
  const { options } = mount;
  const request = createNodeRequest(hostRequest, mount.findBody);
  let environ: Environ;
  let { application } = mount;
  try {
    environ = createReceivedEnviron(request, options);
  } catch (error) {
    // A request that cannot become an environ fails like any other.
    application = failWith(error);
    environ = createReceivedEnviron({ ...request, rawHeaders: [] }, options);
  }
  addNodeObjects(environ, hostRequest);
  mount.addObjects?.(environ, hostRequest);
  // The deployer's own values win.
  const failure = tryPairs(environ, options.environ);
  if (failure !== undefined && application === mount.application) application = failure;
  const running = runApplication(application, environ, sink, options);
  if (running !== undefined) return running.then(() => request.input.release());
  request.input.release();
  return undefined;
}
