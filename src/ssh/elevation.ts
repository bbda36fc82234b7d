import { randomBytes } from 'node:crypto';
import { StateError } from '../core/errors.js';
import { becomeFailure, becomeTimeout, sudoArguments } from './become.js';
import { describe, type RemoteCommand } from './command.js';
import type { Become } from './endpoint.js';
import type { ExecChannels } from './exec-channels.js';
import type { ChannelProcess } from './remote-process.js';
import { bootArguments, newMarker } from './start-marker.js';

export interface Elevation {
  readonly host: string;
  readonly loginUser: string;
  readonly become: Become;
}

/**
 * Starts a command as another user. Returns once it runs: only then may data be sent, or sudo would read it as the
 * password. The password is sent when sudo asks for it and never otherwise.
 * @throws StateError `ssh.become-*`, and what `ExecChannels.start` throws
 */
export async function startElevated(
  channels: ExecChannels,
  { host, loginUser, become }: Elevation,
  remote: RemoteCommand,
  signal: AbortSignal | undefined,
): Promise<ChannelProcess> {
  const marker = newMarker();
  const prompt = `@sudo:${randomBytes(12).toString('hex')}@`;
  const argv = sudoArguments(become, prompt, bootArguments(marker, remote.argv));
  const process = await channels.start({ argv, marker, remote, signal });
  let prompts = 0;
  const facts = () => ({
    host,
    loginUser,
    become,
    command: describe(remote),
    stderr: process.preamble.replaceAll(prompt, ''),
  });
  const onPreamble = (preamble: string): void => {
    const count = preamble.split(prompt).length - 1;
    if (count <= prompts) return;
    prompts = count;
    if (count === 1) process.sendFirst(`${become.password?.reveal() ?? ''}\n`);
    else process.fail(becomeFailure({ ...facts(), code: undefined, prompts }));
  };
  process.onPreamble = onPreamble;
  onPreamble(process.preamble);
  const timer = setTimeout(() => process.fail(becomeTimeout(facts())), BECOME_LIMIT_MS);
  try {
    await process.started;
    return process;
  } catch (error) {
    if (!(error instanceof StateError) || error.code !== 'ssh.command-not-started') throw error;
    throw becomeFailure({ ...facts(), code: process.exitCode, prompts });
  } finally {
    clearTimeout(timer);
    process.onPreamble = undefined;
  }
}

/** sudo may have to look up the host's own name first, which can take long. */
const BECOME_LIMIT_MS = 60_000;
