/** Formats metrics as Prometheus' text, version 0.0.4. */
import { type ServerMetrics, sumMetrics } from './metrics.ts';

/** The Content-Type of what {@link formatMetrics} gives. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Samples that share a name. */
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** The name of the label that tells the samples apart. */
  readonly label?: string;
  /** Values by the value of the label. Without a label, one by any name. */
  values(metrics: ServerMetrics): Readonly<Record<string, number>>;
}

/** The order is that of the text. Names by https://prometheus.io/docs/practices/naming/. */
const FAMILIES: readonly Family[] = [
  {
    name: 'gatebridge_connections',
    type: 'gauge',
    help: 'Open connections by state.',
    label: 'state',
    values: ({ connections: { idle, busy, closing, handshaking, upgraded } }) => {
      return { idle, busy, closing, handshaking, upgraded };
    },
  },
  {
    name: 'gatebridge_connections_accepted_total',
    type: 'counter',
    help: 'Connections that were accepted.',
    values: ({ connections: { accepted } }) => ({ accepted }),
  },
  {
    name: 'gatebridge_connections_refused_total',
    type: 'counter',
    help: 'Connections beyond maxConnections.',
    values: ({ connections: { refused } }) => ({ refused }),
  },
  {
    name: 'gatebridge_tls_handshake_errors_total',
    type: 'counter',
    help: 'TLS handshakes that failed.',
    values: ({ connections: { handshakeErrors } }) => ({ handshakeErrors }),
  },
  {
    name: 'gatebridge_requests_total',
    type: 'counter',
    help: 'Requests whose head could be read.',
    values: ({ requests: { total } }) => ({ total }),
  },
  {
    name: 'gatebridge_requests_in_flight',
    type: 'gauge',
    help: 'Requests whose response has not ended.',
    values: ({ requests: { inFlight } }) => ({ inFlight }),
  },
  {
    name: 'gatebridge_responses_total',
    type: 'counter',
    help: 'Responses by class of their status.',
    label: 'class',
    values: ({ responses }) => ({ ...responses }),
  },
  {
    name: 'gatebridge_client_errors_total',
    type: 'counter',
    help: 'Connections whose client broke HTTP, or sent more than the limits allow.',
    values: ({ clientErrors }) => ({ clientErrors }),
  },
  {
    name: 'gatebridge_timeouts_total',
    type: 'counter',
    help: 'Connections that a time-out ended, by its kind.',
    label: 'kind',
    values: ({ timeouts }) => ({ ...timeouts }),
  },
  {
    name: 'gatebridge_received_bytes_total',
    type: 'counter',
    help: 'Octets received.',
    values: ({ bytes: { received } }) => ({ received }),
  },
  {
    name: 'gatebridge_sent_bytes_total',
    type: 'counter',
    help: 'Octets sent.',
    values: ({ bytes: { sent } }) => ({ sent }),
  },
];

/**
 * Formats metrics as Prometheus' text.
 *
 * @param metrics A snapshot, or those of all workers, which are added up
 * @param labels Labels for every sample
 * @throws TypeError if the name of a label is invalid, or one of our own
 * @example
 * const text = formatMetrics(server.metrics(), { app: 'shop' });
 */
export function formatMetrics(
  metrics: ServerMetrics | readonly ServerMetrics[],
  labels: Readonly<Record<string, string>> = {},
): string {
  checkLabels(labels);
  const sum = sumMetrics([metrics].flat());
  return FAMILIES.map((family) => formatFamily(family, sum, labels)).join('');
}

/** A name that begins with two underscores is Prometheus' own. */
const LABEL = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;

function checkLabels(labels: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(labels)) {
    if (!LABEL.test(name)) throw new TypeError(`Label ${JSON.stringify(name)} is no valid name`);
    if (FAMILIES.some(({ label }) => label === name)) throw new TypeError(`Label ${name} is used already`);
  }
}

function formatFamily(
  { name, type, help, label, values }: Family,
  metrics: ServerMetrics,
  labels: Readonly<Record<string, string>>,
): string {
  const samples = Object.entries(values(metrics)).map(([key, value]) => {
    return `${name}${formatLabels(label === undefined ? labels : { ...labels, [label]: key })} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeValue(value: string): string {
  return `${value}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
