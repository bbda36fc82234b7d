/** What is to run, where, and when. */
export interface Schedule {
  /** Name of the units, without suffix. */
  readonly name: string;
  /** Program and its arguments; absolute paths. */
  readonly command: readonly string[];
  /** Folder the command runs in; relative paths of the inventory count from it. */
  readonly workingDirectory: string;
  /** Folders that the run may write to; everything else is read-only for it. */
  readonly writable: readonly string[];
  /** The same for folders that others may use too, such as a repository on a disk of its own. One that is missing stops no run. */
  readonly shared: readonly string[];
  /** User the run belongs to; undefined for a unit of a user's own manager, which has no choice. */
  readonly user: string | undefined;
  /** A calendar event of systemd, such as `*-*-* 03:15:00`. */
  readonly calendar: string;
  /** Spreads the start over this many seconds, so that not every machine of the world asks at once. */
  readonly jitterSeconds: number;
  /** Secrets by name, as files that systemd hands to the run alone. */
  readonly credentials: readonly { readonly name: string; readonly path: string }[];
}

/**
 * The service that does one run. It may read the machine, write to its own folders, and speak to the network; nothing
 * else. `MemoryDenyWriteExecute` is left out because the JavaScript engine writes its code at run time.
 */
export function serviceUnit(schedule: Schedule): string {
  const { command, workingDirectory, user, credentials } = schedule;
  const writable = [...schedule.writable.map(quoted), ...schedule.shared.map((path) => quoted(`-${path}`))];
  return lines(
    '[Unit]',
    'Description=Back up Coolify controllers',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${command.map(quoted).join(' ')}`,
    `WorkingDirectory=${escaped(workingDirectory)}`,
    ...(user === undefined ? [] : [`User=${escaped(user)}`]),
    ...credentials.map(({ name, path }) => `LoadCredential=${escaped(name)}:${escaped(path)}`),
    // The run may wait for a lock or a slow network, but not for ever.
    'TimeoutStartSec=6h',
    'UMask=0077',
    'Nice=10',
    'IOSchedulingClass=idle',
    ...(writable.length === 0 ? [] : [`ReadWritePaths=${writable.join(' ')}`]),
    ...HARDENING,
    // A manager of a user cannot set these aside for its own units.
    ...(user === undefined ? [] : HARDENING_OF_THE_SYSTEM),
  );
}

/** The clock of the service. A run that was missed while the machine was off is made up for. */
export function timerUnit({ calendar, jitterSeconds }: Schedule): string {
  return lines(
    '[Unit]',
    'Description=Back up Coolify controllers regularly',
    '',
    '[Timer]',
    `OnCalendar=${calendar}`,
    `RandomizedDelaySec=${jitterSeconds}`,
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  );
}

const HARDENING: readonly string[] = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  'SystemCallErrorNumber=EPERM',
  'LimitCORE=0',
];

const HARDENING_OF_THE_SYSTEM: readonly string[] = [
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'ProtectProc=invisible',
  'RemoveIPC=yes',
];

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

/** A word of a command line or a list (systemd.syntax(7), "Quoting"): never split, never a specifier or a variable. */
function quoted(word: string): string {
  const plain = /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
  return escaped(plain).replaceAll('$', '$$$$');
}

/** `%` begins a specifier everywhere in a unit; a line break would begin another setting. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%').replaceAll('\n', '\\n');
}
