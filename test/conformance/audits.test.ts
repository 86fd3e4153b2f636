import { describe, expect, it } from 'vitest';
import {
  AUDIT_CAPABILITIES,
  type GatewayAudit,
  gatewayAudits,
  missingCapabilities,
} from '../../src/conformance/index.ts';
import { naiveHost } from './wrong-hosts/naive-host.ts';

const audits = gatewayAudits();

function find(id: string): GatewayAudit {
  const audit = audits.find((audit) => audit.id === id);
  if (audit === undefined) throw new Error(`No audit ${id}`);
  return audit;
}

describe('gatewayAudits()', () => {
  it('has ids that never change', () => {
    expect(audits.map(({ id }) => id)).toMatchSnapshot();
  });

  it('has each id once, made of group, line and slug', () => {
    const ids = audits.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(?:-[a-z]+)?-\d+-[a-z0-9]+(?:-[a-z0-9]+)*$/);
  });

  it('has a sentence in the words of RFC 2119, a citation and known needs', () => {
    for (const audit of audits) {
      expect(audit.sentence, audit.id).toMatch(/^(?:MUST|SHOULD|MAY) .*[^.]$/);
      expect(audit.citation, audit.id).toMatch(/\w/);
      for (const capability of audit.needs) expect(AUDIT_CAPABILITIES, audit.id).toHaveProperty(capability);
    }
  });

  it('gives a new array each time', () => {
    gatewayAudits().length = 0;
    expect(gatewayAudits()).toHaveLength(audits.length);
  });

  it('tells which capabilities a host lacks', () => {
    expect(missingCapabilities(find('environ-55-pseudo-fields'), naiveHost)).toEqual(['http2']);
    expect(missingCapabilities(find('environ-23-path-variables'), naiveHost)).toEqual([]);
  });
});
