import { setTimeout as sleep } from 'node:timers/promises';

/** How long after its start a run is disturbed, milliseconds. A restore takes longer. */
const SPAN = { backup: 6000, prune: 1500, restore: 20_000 };

/** What can go wrong while a run works. `disturb` gets the running process; `mend` puts the host right again. */
export class Faults {
  #lab;
  #random;

  constructor(lab, random) {
    this.#lab = lab;
    this.#random = random;
  }

  pick(action) {
    const after = this.#random.between(200, SPAN[action]);
    const all = this.#all(after);
    // A prune does not talk to the host.
    return this.#random.pick(all.filter(({ ours }) => ours || action !== 'prune'));
  }

  #all(after) {
    const lab = this.#lab;
    const signal = (name) => ({
      name,
      ours: true,
      disturb: async (child) => {
        await sleep(after);
        child.kill(name);
      },
    });
    return [
      signal('SIGKILL'),
      signal('SIGTERM'),
      signal('SIGINT'),
      {
        name: 'a cut connection',
        disturb: async () => {
          await sleep(after);
          await lab.onHost('pkill -KILL -f "^sshd-session:" || :');
        },
      },
      {
        name: 'a frozen host',
        disturb: async () => {
          await sleep(after);
          await lab.docker('pause');
          try {
            await sleep(3000);
          } finally {
            await lab.docker('unpause');
          }
        },
        mend: () => lab.healthy(),
      },
      {
        name: 'a database that restarts',
        disturb: async () => {
          await sleep(after);
          await lab.onHost('docker restart --time 2 coolify-db >/dev/null 2>&1 || :');
        },
        mend: () => lab.healthy(),
      },
      {
        name: 'a database server process that is killed',
        disturb: async () => {
          await sleep(after);
          await lab.onHost('pkill -KILL -f "[p]ostgres: coolify" || :');
        },
        mend: () => lab.healthy(),
      },
    ];
  }
}
