import type { Setting } from './setting.js';
import { SETTINGS, UNUSED } from './table.js';

/** The reference of all settings as Markdown: what docs/settings.md holds, and a test keeps it so. */
export function settingsReference(): string {
  const rows: readonly Setting<unknown>[] = Object.values(SETTINGS);
  const sections = [...new Set(rows.map((row) => row.section))];
  const parts = sections.map((section) => {
    const members = rows.filter((row) => row.section === section);
    return [`## ${section}`, '', ...members.flatMap(describe)].join('\n').trimEnd();
  });
  return `${[INTRODUCTION, ...parts, CREDENTIALS, unused()].join('\n\n')}\n`;
}

const INTRODUCTION = `# Settings

All settings are variables of the inventory, for a host, a group or all. A flag wins over the environment, the
environment over the inventory, a host over its groups, a group over \`all\`. \`coolify-state inventory show HOST\` tells
every value and where it comes from. A \`coolify_*\` variable that is not listed here is an error.`;

const CREDENTIALS = `## Credentials

Those of S3 are read from the environment only: \`HETZNER_S3_ACCESS_KEY\` and \`HETZNER_S3_SECRET_KEY\`, both or neither.
Without them the AWS SDK looks in its usual places.`;

function describe({ name, aliases, type, env, description, ...setting }: Setting<unknown>): string[] {
  const also = [...aliases.map((alias) => `\`${alias}\``), ...(env === undefined ? [] : [`\`$${env}\``])];
  const facts = [
    type.name,
    `default: ${defaultOf(setting)}`,
    ...(also.length === 0 ? [] : [`also ${also.join(', ')}`]),
  ];
  return [`**\`${name}\`** (${facts.join('; ')})  `, description, ''];
}

function defaultOf(setting: Pick<Setting<unknown>, 'default' | 'defaultText'>): string {
  if (setting.defaultText !== undefined) return setting.defaultText;
  return setting.default === undefined ? 'none' : `\`${String(setting.default)}\``;
}

function unused(): string {
  const rows = [...UNUSED].map(([name, why]) => `| \`${name}\` | ${why} |`);
  const head = ['| variable | why it is not needed |', '| --- | --- |'];
  return [
    '## Accepted, not used',
    '',
    'Variables of the replaced role that may stay in an inventory.',
    '',
    ...head,
    ...rows,
  ].join('\n');
}
