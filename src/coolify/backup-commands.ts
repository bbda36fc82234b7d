import { userIds } from '../ssh/become.js';
import { publicKeysCommand } from './api/api.js';
import { ARTIFACTS } from './artifacts.js';
import { factsCommand } from './facts.js';
import type { CommandScope, HostCommand } from './host-command.js';

/** Every command that a backup of this version runs on a host, in the order in which it does. */
export function backupCommands(scope: CommandScope): HostCommand[] {
  return [
    { purpose: 'who the login user is', command: userIds('root'), input: 'nothing' },
    { purpose: 'what the host is', command: factsCommand(scope.layout), input: 'nothing' },
    ...ARTIFACTS.flatMap((artifact) => artifact.commands?.(scope) ?? []),
    publicKeysCommand(scope.layout),
  ];
}
