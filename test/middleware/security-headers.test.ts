import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { securityHeaders } from '../../src/middleware/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE } from './kit.ts';

const hello = APPLICATIONS['a function'] as Application;

describe('securityHeaders', () => {
  it.each(EVERYWHERE)('around %s, %s', async (_form, _host, application, ask) => {
    const { headers, text } = await ask(securityHeaders()(application));
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('X-Frame-Options')).toBe('SAMEORIGIN');
    expect(headers.get('Content-Security-Policy')).toContain("object-src 'none'");
    expect(headers.has('Permissions-Policy')).toBe(false);
    expect(headers.has('Strict-Transport-Security')).toBe(false);
    expect(text).toBe('Hello world');
  });

  it('adds Strict-Transport-Security over https only', async () => {
    const { headers } = await askInProcess(securityHeaders()(hello), {
      environ: { 'wsgi.url_scheme': 'https' },
    });
    expect(headers.get('Strict-Transport-Security')).toBe('max-age=31536000');
  });

  it('leaves what the application says, and takes fields out', async () => {
    const own: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['x-frame-options', 'DENY']]);
      return [];
    };
    const { headers } = await askInProcess(
      securityHeaders({ xssProtection: false, permissionsPolicy: 'camera=()' })(own),
    );
    expect(headers.getAll('X-Frame-Options')).toEqual(['DENY']);
    expect(headers.has('X-XSS-Protection')).toBe(false);
    expect(headers.get('Permissions-Policy')).toBe('camera=()');
  });

  it('hides what Express says of itself', async () => {
    const app = fromExpress(express());
    expect((await askInProcess(app)).headers.has('X-Powered-By')).toBe(true);
    expect((await askInProcess(securityHeaders()(app))).headers.has('X-Powered-By')).toBe(false);
    const kept = securityHeaders({ hidePoweredBy: false })(app);
    expect((await askInProcess(kept)).headers.has('X-Powered-By')).toBe(true);
  });

  it('refuses what cannot be sent', () => {
    expect(() => securityHeaders({ frameOptions: 'a\r\nb: c' })).toThrow(
      'Option frameOptions must be false, or text',
    );
    expect(() => securityHeaders({ frameOptions: true as never })).toThrow(TypeError);
  });
});
