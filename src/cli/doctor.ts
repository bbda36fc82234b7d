import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import type { Finding } from '../operations/hosts/finding.js';
import { findingLines } from './findings.js';
import { COMMON, hostsPositional } from './options.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

type Arguments = InferredOptionTypes<typeof COMMON> & { hosts: string };

export const doctorCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(COMMON))
      .example('$0 doctor', 'this machine, every controller, every repository')
      .example('$0 doctor web1 --json', 'one host, for a program that watches'),
  handler: (args) =>
    runCommand(args, async ({ output, json, signal }) => {
      const [{ doctor }, { findingsStatus }] = await Promise.all([
        import('../operations/doctor/doctor.js'),
        import('../operations/hosts/finding.js'),
      ]);
      const findings = await doctor(selectionOf(args, output), {
        stateRoot: args['state-dir'],
        forks: args.forks,
        signal,
        ...(json && { onFinding: (finding) => output.out(JSON.stringify({ type: 'finding', ...finding })) }),
      });
      const status = findingsStatus(findings);
      if (json)
        output.out(JSON.stringify({ type: 'summary', command: 'doctor', ...counts(findings), findings }));
      else output.out(report(findings));
      return status;
    }),
};

function report(findings: readonly Finding[]): string {
  const hosts = [...new Set(findings.map(({ host }) => host))];
  const parts = hosts.map(
    (host) =>
      `${host === undefined ? 'this machine' : printable(host)}\n${findingLines(findings.filter((one) => one.host === host))}`,
  );
  const { bad, warnings } = counts(findings);
  return [...parts, verdict(bad, warnings)].join('\n\n');
}

function verdict(bad: number, warnings: number): string {
  const said = warnings === 0 ? '' : `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (bad === 0) return said === '' ? 'All is well.' : `Nothing stands in the way of a backup; ${said}.`;
  return `${bad} ${bad === 1 ? 'thing is' : 'things are'} bad${said === '' ? '' : `, ${said}`}: the fixes stand above.`;
}

function counts(findings: readonly Finding[]): { readonly bad: number; readonly warnings: number } {
  const of = (wanted: Finding['verdict']): number =>
    findings.filter(({ verdict: is }) => is === wanted).length;
  return { bad: of('bad'), warnings: of('warning') };
}
