/** Prints the events and transactions that Sentry sends, by server: each request has a user, and reports two events. */
import * as Sentry from '@sentry/node';
import { ask, PATHS, startServers } from './traced-servers.ts';

interface SentryEvent {
  readonly type?: string;
  readonly message?: string;
  readonly user?: { readonly id?: string };
  readonly request?: { readonly url?: string; readonly data?: unknown };
  readonly contexts?: { readonly trace?: { readonly data?: Record<string, unknown> } };
}

let events: SentryEvent[] = [];
Sentry.init({
  dsn: 'https://key@sentry.invalid/1',
  tracesSampleRate: 1,
  dataCollection: { httpBodies: ['incomingRequest'] },
  traceLifecycle: 'static',
  transport: () => ({
    async send([, items]) {
      // Envelopes hold other items too, without a type or a message.
      for (const [, payload] of items) events.push(payload as SentryEvent);
      return {};
    },
    flush: async () => true,
  }),
});

const servers = await startServers((path) => {
  if (Sentry.getIsolationScope().getUser()?.id === undefined) Sentry.setUser({ id: `user of ${path}` });
  Sentry.captureMessage(path);
});
const report: Record<string, unknown> = {};
for (const server of servers) {
  events = [];
  await Promise.all(PATHS.map((path) => ask(server.port, path)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Sentry.flush(1000);
  report[server.name] = events
    .filter(({ message, type }) => message !== undefined || type === 'transaction')
    .map(({ type, message, user, request, contexts }) => {
      const status = contexts?.trace?.data?.['http.response.status_code'];
      const path = request?.url?.replace('http://a', '');
      return JSON.stringify({ type, message, user: user?.id, path, status, data: request?.data });
    })
    .sort();
  server.close();
}
process.stdout.write(JSON.stringify(report));
process.exit();
