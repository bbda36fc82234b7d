import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ACTIONS, FLEET_OPTIONS } from '../../../src/cli/fleet/options.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(resolve(PROJECT, path), 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      command: z.array(z.string()),
      environment: z.record(z.string(), z.string()).optional(),
      volumes: z.array(z.string()),
      read_only: z.boolean().optional(),
      hostname: z.string().optional(),
    }),
  ),
});

describe('docker/fleet/compose.yaml', () => {
  const { services } = composeSchema.parse(parse(read('docker/fleet/compose.yaml'), { merge: true }));
  const own = Object.entries(services).filter(([name]) => name !== 'redis');

  it('is a Redis, two workers and a scheduler', () => {
    expect(Object.keys(services).sort()).toEqual(['redis', 'scheduler', 'worker-1', 'worker-2']);
    expect(own.map(([, { command }]) => command.slice(0, 2).join(' ')).sort()).toEqual([
      'fleet schedule',
      'fleet worker',
      'fleet worker',
    ]);
  });

  it('calls the program as it is', () => {
    for (const [, { command }] of own) {
      expect(ACTIONS).toContain(command[1]);
      for (const option of command.filter((word) => word.startsWith('--')))
        expect(Object.keys(FLEET_OPTIONS)).toContain(option.slice(2));
    }
  });

  it('has no secret in an environment or an argument, and gives every worker a state of its own', () => {
    for (const [, { environment = {}, read_only: isReadOnly }] of own) {
      expect(isReadOnly).toBe(true);
      expect(Object.keys(environment).filter((name) => /PASSWORD|SECRET|KEY/.test(name))).toEqual([]);
    }
    const arguments_ = Object.values(services).flatMap(
      ({ command }) => command.join(' ').split('\n')[0] ?? '',
    );
    expect(arguments_.filter((text) => /requirepass|secrets/.test(text))).toEqual([]);
    const states = own.map(([, { volumes }]) => volumes.find((volume) => volume.endsWith(':/srv/state')));
    expect(new Set(states).size).toBe(3);
  });

  it('gives a worker that replaces another the name by which it takes over its locks', () => {
    const workers = own.filter(([, { command }]) => command[1] === 'worker');
    expect(workers.map(([, { hostname }]) => hostname)).toEqual(workers.map(([name]) => name));
  });
});

describe('the manifests for Kubernetes in docs/fleet.md', () => {
  it('are YAML of a kind that runs the program', () => {
    const blocks = [...read('docs/fleet.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text = '']) => text,
    );
    const kinds = blocks.flatMap((text) =>
      parseAllDocuments(text).flatMap((document) => {
        expect(document.errors).toEqual([]);
        const { kind } = z.looseObject({ kind: z.string().optional() }).parse(document.toJS());
        return kind === undefined ? [] : [kind];
      }),
    );
    expect(kinds).toEqual(['Job', 'CronJob']);
  });
});
