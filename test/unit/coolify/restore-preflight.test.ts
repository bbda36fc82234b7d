import { describe, expect, it } from 'vitest';
import { keyRingOf } from '../../../src/coolify/app-key.js';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { refuseForeignMachine, refuseVersions } from '../../../src/coolify/restore/preflight.js';
import { Target, type TargetKind } from '../../../src/coolify/restore/target.js';
import type { TargetFacts } from '../../../src/coolify/restore/target-facts.js';
import { StateError } from '../../../src/core/errors.js';
import { Secret } from '../../../src/core/secret.js';
import { connectionThatMustNotBeUsed } from './silent-connection.js';

const FACTS: TargetFacts = {
  systemId: 'debian',
  spaces: [],
  hasImage: true,
  hasData: true,
  keyFiles: 0,
  volumeMajor: undefined,
  hasCompose: true,
};

interface Given {
  readonly kind?: TargetKind;
  readonly architecture?: string;
  readonly installed?: string;
  readonly snapshot?: string;
  readonly dumpedBy?: number;
  readonly resumed?: boolean;
}

function target({
  kind = 'installed',
  architecture = 'x86_64',
  installed = '4.3.11',
  snapshot = '4.3.11',
  dumpedBy = 15,
  resumed = false,
}: Given): Target {
  const env = EnvFile.parse('APP_KEY=base64:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n');
  const manifest = {
    format: 1 as const,
    id: 'x',
    host: 'h',
    createdAt: '2026-01-01T00:00:00Z',
    tool: { name: 't', version: '1' },
    files: [],
    proofs: [],
    instance: {},
  };
  return new Target(
    connectionThatMustNotBeUsed(),
    {
      uid: 0,
      system: 'Debian GNU/Linux 13',
      architecture,
      docker: '26',
      hasDocker: true,
      containers: [{ name: 'coolify', image: `docker.io/coollabsio/coolify:${installed}`, state: 'running' }],
      databaseVolumes: ['coolify-db'],
      hasEnv: true,
      hasInstaller: true,
    },
    layoutOf({
      dataPath: '/data/coolify',
      installScript: '/root/install.sh',
      databaseContainer: 'coolify-db',
    }),
    {
      generation: { host: 'h', folder: '/nowhere', manifest },
      env,
      ring: keyRingOf(env, 'here', (text) => new Secret(text)),
      instance: {
        coolify: { version: snapshot, image: '' },
        appKeyFingerprint: '',
        system: { name: 'Debian', architecture: 'x86_64', docker: '' },
        database: {
          versionNumber: dumpedBy * 10_000,
          version: String(dumpedBy),
          name: 'coolify',
          user: 'coolify',
          encoding: 'UTF8',
          dataChecksums: false,
          tables: [],
          sequences: [],
        },
        keys: [],
      },
    },
    kind,
    { snapshot: 'x', kind, startedAt: '', authorizedKeys: '', formerLocalKeys: [], begun: [] },
    { resumed, wants: () => true },
  );
}

function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof StateError) return error.code;
    throw error;
  }
}

describe('a machine on which Coolify does not run', () => {
  it.each([
    ['x86_64', undefined],
    ['aarch64', undefined],
    ['armv7l', 'restore.architecture'],
    ['riscv64', 'restore.architecture'],
  ])('of architecture %s: %s', (architecture, code) => {
    expect(codeOf(() => refuseForeignMachine(target({ architecture }), FACTS))).toBe(code);
  });

  it('is refused for its system where Coolify has to be installed, and only there', () => {
    const plan9 = { ...FACTS, systemId: 'plan9' };
    expect(codeOf(() => refuseForeignMachine(target({ kind: 'bare' }), plan9))).toBe('restore.system');
    expect(codeOf(() => refuseForeignMachine(target({ kind: 'installed' }), plan9))).toBeUndefined();
    expect(codeOf(() => refuseForeignMachine(target({ kind: 'bare' }), FACTS))).toBeUndefined();
  });
});

describe('a PostgreSQL on the target', () => {
  it.each([
    [15, 15, undefined],
    [17, 15, undefined],
    [15, 17, 'database.server-older'],
  ])('%i takes a dump of %i: %s', (major, dumpedBy, code) => {
    const server = { major, databaseBytes: 0 };
    expect(codeOf(() => refuseVersions(target({ dumpedBy }), FACTS, server, 'refuse'))).toBe(code);
  });

  it('that does not run is judged by its volume', () => {
    const volume = { ...FACTS, volumeMajor: 14 };
    expect(codeOf(() => refuseVersions(target({}), volume, undefined, 'refuse'))).toBe(
      'database.server-older',
    );
  });
});

describe('a Coolify on the target that is newer than the snapshot', () => {
  const newer = { installed: '4.3.12', snapshot: '4.3.11' };

  it('is refused unless it was said what becomes of it', () => {
    expect(codeOf(() => refuseVersions(target(newer), FACTS, undefined, 'refuse'))).toBe(
      'restore.newer-coolify',
    );
    expect(codeOf(() => refuseVersions(target(newer), FACTS, undefined, 'keep'))).toBeUndefined();
    expect(codeOf(() => refuseVersions(target(newer), FACTS, undefined, 'replace'))).toBeUndefined();
  });

  it('is not asked about again by a run that goes on, nor on a bare host', () => {
    expect(
      codeOf(() => refuseVersions(target({ ...newer, resumed: true }), FACTS, undefined, 'refuse')),
    ).toBeUndefined();
    expect(
      codeOf(() => refuseVersions(target({ ...newer, kind: 'bare' }), FACTS, undefined, 'refuse')),
    ).toBeUndefined();
  });

  it('is no matter when it is older: the snapshot brings its own version', () => {
    const older = target({ installed: '4.3.10', snapshot: '4.3.11' });
    expect(codeOf(() => refuseVersions(older, FACTS, undefined, 'refuse'))).toBeUndefined();
  });
});
