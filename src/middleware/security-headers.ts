/** Fields that make browsers more careful. */
import { toApplication } from '../gateway/application.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { changeHead } from './change-head.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `securityHeaders`. */
export const SECURITY_HEADERS_OPTIONS = {
  /** Content-Security-Policy. The default breaks no ordinary page; a policy with `default-src` and `script-src` protects more. */
  contentSecurityPolicy: {
    type: 'field value or false',
    default: "base-uri 'self'; frame-ancestors 'self'; object-src 'none'",
  },
  /** Cross-Origin-Opener-Policy. */
  crossOriginOpenerPolicy: { type: 'field value or false', default: 'same-origin' },
  /** Cross-Origin-Resource-Policy. */
  crossOriginResourcePolicy: { type: 'field value or false', default: 'same-origin' },
  /** Origin-Agent-Cluster. */
  originAgentCluster: { type: 'field value or false', default: '?1' },
  /** Permissions-Policy. */
  permissionsPolicy: { type: 'field value or false', default: false },
  /** Referrer-Policy. */
  referrerPolicy: { type: 'field value or false', default: 'strict-origin-when-cross-origin' },
  /** Strict-Transport-Security, over https only (RFC 6797 §7.2). */
  strictTransportSecurity: { type: 'field value or false', default: 'max-age=31536000' },
  /** X-Content-Type-Options. */
  contentTypeOptions: { type: 'field value or false', default: 'nosniff' },
  /** X-Frame-Options, for browsers that do not know `frame-ancestors`. */
  frameOptions: { type: 'field value or false', default: 'SAMEORIGIN' },
  /** X-Permitted-Cross-Domain-Policies. */
  permittedCrossDomainPolicies: { type: 'field value or false', default: 'none' },
  /** X-XSS-Protection. The filter that it turns off did harm. */
  xssProtection: { type: 'field value or false', default: '0' },
  /** Take X-Powered-By out. */
  hidePoweredBy: { type: 'boolean', default: true },
} as const;

/** Options of helmet that have other names here. */
const HELMET = {
  hsts: 'strictTransportSecurity',
  noSniff: 'contentTypeOptions',
  frameguard: 'frameOptions',
  xFrameOptions: 'frameOptions',
  xContentTypeOptions: 'contentTypeOptions',
  xPoweredBy: 'hidePoweredBy',
  xXssProtection: 'xssProtection',
  xPermittedCrossDomainPolicies: 'permittedCrossDomainPolicies',
} as const;

/** Options of {@link securityHeaders}. */
export interface SecurityHeadersOptions extends OptionsOf<typeof SECURITY_HEADERS_OPTIONS> {}

/** The field of each option. */
const FIELDS = {
  contentSecurityPolicy: 'Content-Security-Policy',
  crossOriginOpenerPolicy: 'Cross-Origin-Opener-Policy',
  crossOriginResourcePolicy: 'Cross-Origin-Resource-Policy',
  originAgentCluster: 'Origin-Agent-Cluster',
  permissionsPolicy: 'Permissions-Policy',
  referrerPolicy: 'Referrer-Policy',
  contentTypeOptions: 'X-Content-Type-Options',
  frameOptions: 'X-Frame-Options',
  permittedCrossDomainPolicies: 'X-Permitted-Cross-Domain-Policies',
  xssProtection: 'X-XSS-Protection',
} as const;

/**
 * Adds fields that make browsers more careful. What the application itself says wins. `false` leaves a field out.
 *
 * @param options The value of each field
 * @throws TypeError if a value cannot be sent
 * @example
 * const site = securityHeaders({ contentSecurityPolicy: "default-src 'self'", frameOptions: 'DENY' })(application);
 */
export function securityHeaders(options: SecurityHeadersOptions = {}): Middleware {
  checkLayerOptions(options, SECURITY_HEADERS_OPTIONS, { meant: HELMET });
  const settings = settingsOf(SECURITY_HEADERS_OPTIONS, options);
  const fields: [name: string, value: string][] = [];
  // `Object.entries` widens the names.
  for (const [option, name] of Object.entries(FIELDS) as [keyof typeof FIELDS, string][]) {
    const value = settings[option];
    if (value !== false) fields.push([name, value]);
  }
  const { strictTransportSecurity, hidePoweredBy } = settings;
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const isSecure = environ['wsgi.url_scheme'] === 'https';
      const start = changeHead(startResponse, ({ headers }) => {
        if (hidePoweredBy) headers.delete('X-Powered-By');
        for (const [name, value] of fields) headers.setDefault(name, value);
        if (isSecure && strictTransportSecurity !== false) {
          headers.setDefault('Strict-Transport-Security', strictTransportSecurity);
        }
      });
      return inner(environ, start);
    };
  };
}
