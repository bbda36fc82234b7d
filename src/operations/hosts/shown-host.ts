import type { Entry, Settings } from '../../coolify/settings/settings.js';
import { type ShownSetting, shownSettings } from '../../coolify/settings/show.js';
import { StateError } from '../../core/errors.js';
import { showJumpHost } from '../../ssh/config/jump-hosts.js';
import { KEYWORDS } from '../../ssh/config/keywords.js';
import type { Found } from '../../ssh/config/options.js';
import { type ConfigPlace, showPlace } from '../../ssh/config/place.js';
import type { ResolvedHost } from '../../ssh/config/resolve.js';
import { resolveSsh, type SshSurroundings } from './ssh-configuration.js';

/** Every setting of a host, with what the configuration of ssh makes of it, and the way that leads to it. */
export function shownHost(host: string, settings: Settings, surroundings: SshSurroundings): ShownSetting[] {
  let resolved: ResolvedHost;
  try {
    resolved = resolveSsh(host, settings, surroundings);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    // The settings are still worth seeing, most of all when something is wrong.
    return [...shownSettings(settings), { name: 'ssh', value: error.message, source: error.code }];
  }
  const shown = new Showing(settings);
  const { hostName, user, port, strictHostKeyChecking: checking } = resolved.options;
  return [
    ...shownSettings({
      ...settings,
      host: shown.changed(settings.host, hostName, resolved.host),
      user: shown.changed(settings.user, user, resolved.user),
      port: shown.changed(settings.port, port, resolved.port),
      hostKeyChecking: shown.changed(
        settings.hostKeyChecking,
        // What is refused is shown as an option of ssh, below.
        checking?.value === 'no' ? undefined : checking,
        checking?.value === 'accept-new' ? 'accept-new' : 'strict',
      ),
    }),
    ...shown.options(resolved),
    ...shown.way(resolved),
  ];
}

class Showing {
  readonly #hidesArguments: boolean;

  constructor({ sshArgs, sshCommonArgs, sshExtraArgs }: Settings) {
    this.#hidesArguments = [sshArgs, sshCommonArgs, sshExtraArgs].some(({ hidden }) => hidden === true);
  }

  /** A setting whose value comes from the configuration of ssh. */
  changed<Value>(entry: Entry<Value>, found: Found<unknown> | undefined, value: Value): Entry<Value> {
    if (found === undefined || found.at.kind === 'setting') return entry;
    const { name } = entry;
    const hidden = this.#isHidden(found.at) && { hidden: true as const };
    return { name, value, source: { kind: 'ssh', place: showPlace(found.at) }, ...hidden };
  }

  /** A line for each option of ssh that was found, but for those that are settings of ours. */
  options(resolved: ResolvedHost): ShownSetting[] {
    const { identityFiles, ...others } = resolved.options;
    const rows = Object.entries(others).flatMap(([key, found]) => {
      if (found === undefined || SHOWN_ABOVE.includes(key)) return [];
      return this.#row(key, found, shownValue(found.value));
    });
    const paths = resolved.identityFiles ?? [];
    const named = identityFiles.filter(({ value }) => value.toLowerCase() !== 'none');
    return [
      ...rows,
      ...named.flatMap((file, index) => this.#row('identityFile', file, paths[index] ?? file.value)),
    ];
  }

  /** A line for each host on the way, as it is connected to. */
  way({ jumps, options: { proxyJump, proxyCommand } }: ResolvedHost): ShownSetting[] {
    const through = proxyJump ?? proxyCommand;
    const hidden = through !== undefined && this.#isHidden(through.at);
    return jumps.map((jump, index) => {
      const { hostName } = jump.options;
      return {
        name: `jump host ${index + 1}`,
        value: hidden ? '[redacted]' : showJumpHost(jump),
        source: hostName === undefined ? '-' : showPlace(hostName.at),
      };
    });
  }

  #row(key: string, { at }: Found<unknown>, value: string): ShownSetting[] {
    if (at.kind === 'setting') return [];
    const name = KEYWORDS.find((keyword) => keyword.name.toLowerCase() === key.toLowerCase())?.name ?? key;
    return [{ name, value: this.#isHidden(at) ? '[redacted]' : value, source: showPlace(at) }];
  }

  #isHidden(at: ConfigPlace): boolean {
    return at.kind === 'arguments' && this.#hidesArguments;
  }
}

const SHOWN_ABOVE: readonly string[] = ['hostName', 'user', 'port'];

function shownValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (!Array.isArray(value)) return String(value);
  if (value.length === 0) return 'none';
  return value
    .map((item: unknown) => (isJumpHost(item) ? showJumpHost(item) : String(item)))
    .join(value.some(isJumpHost) ? ',' : ' ');
}

function isJumpHost(value: unknown): value is Parameters<typeof showJumpHost>[0] {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value && 'user' in value;
}
