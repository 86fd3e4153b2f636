/** The type of all middleware. */
import type { Application, ApplicationFunction } from '../wsgi.ts';

/**
 * A function from application to application (PEP 3333, Middleware).
 *
 * It takes an application in any of its three forms, and gives the function form.
 */
export type Middleware = (application: Application) => ApplicationFunction;
