import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const PROJECT = resolve(import.meta.dirname, '../../..');
const page = readFileSync(resolve(PROJECT, 'docs/container.md'), 'utf8');
const image = readFileSync(resolve(PROJECT, 'docker/Dockerfile'), 'utf8');

const cronJob = z.object({
  kind: z.literal('CronJob'),
  spec: z.object({
    concurrencyPolicy: z.literal('Forbid'),
    jobTemplate: z.object({
      spec: z.object({
        template: z.object({
          spec: z.object({
            automountServiceAccountToken: z.literal(false),
            securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.number().min(1) }),
            containers: z.tuple([
              z.object({
                securityContext: z.object({
                  allowPrivilegeEscalation: z.literal(false),
                  readOnlyRootFilesystem: z.literal(true),
                  capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
                }),
                volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
              }),
            ]),
            volumes: z.array(z.object({ name: z.string() })),
          }),
        }),
      }),
    }),
  }),
});

it('the CronJob is one, with no rights that a backup does not need and a volume for each mount', () => {
  const text = /<!-- cronjob -->\n```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const { containers, volumes } = cronJob.parse(parse(text)).spec.jobTemplate.spec.template.spec;
  const mounts = containers[0].volumeMounts.map(({ name }) => name);
  expect(mounts.toSorted()).toEqual(volumes.map(({ name }) => name).toSorted());
});

it('the image is of a user that is not root, and of a base that a release names', () => {
  expect(image).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  expect(image).toMatch(/^ARG BASE=node:\d+-[a-z]+-slim$/m);
  expect(image).not.toMatch(/^RUN /m);
});
