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
} from '../src/index.ts';
import { createNodeRequest, type HostRequest } from './_node-request.ts';

/** What a deployer decides about one mount, in every host. */
export interface MountOptions extends EnvironOptions, GatewayOptions {}

/** Serves the requests of one mount. */
export interface Mount {
  readonly application: ApplicationFunction;
  readonly options: MountOptions;
}

/**
 * Serves one request.
 *
 * @param mount What is served
 * @param host The request
 * @param sink Where the response goes
 * @returns nothing if all is done already, otherwise a promise of it, which never rejects
 */
export function serve(mount: Mount, host: HostRequest, sink: ResponseSink): Promise<void> | undefined {
  const request = createNodeRequest(host);
  let environ: Environ;
  let { application } = mount;
  try {
    environ = createEnviron(request, mount.options);
  } catch (error) {
    // A request that cannot become an environ takes the way of every other failure.
    application = () => {
      throw error;
    };
    environ = createEnviron({ ...request, rawHeaders: [] });
  }
  const running = runApplication(application, environ, sink, mount.options);
  if (running !== undefined) return running.then(() => request.input.release());
  request.input.release();
  return undefined;
}
