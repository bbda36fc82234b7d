import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incomingDatabaseBytes, isNewer, needsOf } from '../../../src/coolify/restore/needs.js';
import { parseTargetFacts, type Space, type TargetFacts } from '../../../src/coolify/restore/target-facts.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

function space(place: Space['place'], device: string, freeBytes = 100 * GIB): Space {
  return { place, path: `/${place}`, device, freeBytes };
}

function facts(spaces: readonly Space[], hasImage = true): TargetFacts {
  return {
    systemId: 'debian',
    spaces,
    hasImage,
    hasData: true,
    keyFiles: 0,
    volumeMajor: 15,
    hasCompose: true,
  };
}

describe('the space that a restore needs', () => {
  it('is the recorded size of the database with room to grow, or twice its dump where none is recorded', () => {
    expect(incomingDatabaseBytes({ dumpBytes: 10 * MIB, databaseBytes: 50 * MIB, fileBytes: 0 })).toBe(
      60 * MIB,
    );
    expect(incomingDatabaseBytes({ dumpBytes: 10 * MIB, databaseBytes: undefined, fileBytes: 0 })).toBe(
      20 * MIB,
    );
  });

  it('counts the log of PostgreSQL, which is no larger than its limit', () => {
    const [small] = needsOf(facts([space('database', 'a')]), {
      dumpBytes: 0,
      databaseBytes: 100 * MIB,
      fileBytes: 0,
    });
    expect(small?.bytes).toBe(240 * MIB + 32 * MIB);
    const [large] = needsOf(facts([space('database', 'a')]), {
      dumpBytes: 0,
      databaseBytes: 100 * GIB,
      fileBytes: 0,
    });
    expect(large?.bytes).toBe(121 * GIB + 32 * MIB);
  });

  it('is added up where two places are on one file system, and told apart where they are not', () => {
    const size = { dumpBytes: MIB, databaseBytes: MIB, fileBytes: MIB };
    const one = needsOf(
      facts([space('data', 'a'), space('database', 'a'), space('docker', 'a')], false),
      size,
    );
    const three = needsOf(
      facts([space('data', 'a'), space('database', 'b'), space('docker', 'c')], false),
      size,
    );
    expect(one).toHaveLength(1);
    expect(three).toHaveLength(3);
    expect(one[0]?.bytes).toBe(three.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it('includes the images only where they are not there yet', () => {
    const size = { dumpBytes: 0, databaseBytes: 0, fileBytes: 0 };
    expect(needsOf(facts([space('docker', 'c')], true), size)).toEqual([]);
    expect(needsOf(facts([space('docker', 'c')], false), size)[0]?.bytes).toBe(5 * GIB);
  });

  it('grows with the database, whatever its size', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        const bytes = (databaseBytes: number) =>
          needsOf(facts([space('database', 'a')]), { dumpBytes: 0, databaseBytes, fileBytes: 0 })[0]?.bytes ??
          0;
        return bytes(less) <= bytes(more) && bytes(less) > less;
      }),
    );
  });
});

describe('which of two versions is newer', () => {
  it.each([
    ['4.3.12', '4.3.11', true],
    ['4.3.11', '4.3.12', false],
    ['4.3.11', '4.3.11', false],
    ['4.10.0', '4.9.9', true],
    ['v4.4.0', '4.3.12', true],
    ['4.4.0', '4.4.0-rc.1', true],
    ['4.4.0-rc.1', '4.4.0', false],
    ['4.4.0-rc.10', '4.4.0-rc.9', true],
    ['4.0.0-beta.420', '4.0.0-beta.419', true],
    ['4.3', '4.3.0', false],
    ['nightly', '4.3.11', false],
    ['4.3.11', 'latest', false],
  ])('%s is newer than %s: %s', (version, than, newer) => {
    expect(isNewer(version, than)).toBe(newer);
  });

  it('never says of two versions that each is newer than the other', () => {
    const version = fc
      .tuple(fc.nat(20), fc.nat(20), fc.nat(500), fc.constantFrom('', '-rc.1', '-beta.9'))
      .map(([a, b, c, rest]) => `${a}.${b}.${c}${rest}`);
    fc.assert(fc.property(version, version, (a, b) => !(isNewer(a, b) && isNewer(b, a)) && !isNewer(a, a)));
  });
});

describe('facts of a target', () => {
  it('are read from what the host says', () => {
    const text = [
      'system-id\tdebian',
      'space\tdata\t/data\t66\t2048',
      'data\tyes',
      'key-files\t 12',
      'compose\tyes',
      'image\tyes',
      'space\tdatabase\t/var/lib/docker/volumes/coolify-db/_data\t67\t1024',
      'volume-major\t17',
      '',
    ].join('\n');
    expect(parseTargetFacts(text)).toEqual({
      systemId: 'debian',
      spaces: [
        { place: 'data', path: '/data', device: '66', freeBytes: 2 * MIB },
        { place: 'database', path: '/var/lib/docker/volumes/coolify-db/_data', device: '67', freeBytes: MIB },
      ],
      hasImage: true,
      hasData: true,
      keyFiles: 12,
      volumeMajor: 17,
      hasCompose: true,
    });
  });

  it('leave out what a host could not say, rather than taking it for nothing free', () => {
    expect(parseTargetFacts('space\tdata\t/data\t66\t\nspace\tattic\t/attic\t1\t5\n')).toMatchObject({
      spaces: [],
      volumeMajor: undefined,
      hasCompose: false,
    });
  });
});
