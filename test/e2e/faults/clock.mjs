// Loaded into the program under test by NODE_OPTIONS=--import: its clock is FAULTS_CLOCK seconds off, from the beginning or,
// with FAULTS_CLOCK_AT, from so many milliseconds after the start. Timers go on as before, as they do on a real machine.
const off = Number(process.env.FAULTS_CLOCK ?? 0) * 1000;
const at = Number(process.env.FAULTS_CLOCK_AT ?? 0);
const Real = globalThis.Date;
const start = performance.now();
const now = () => Real.now() + (performance.now() - start >= at ? off : 0);

globalThis.Date = class extends Real {
  constructor(...args) {
    if (args.length === 0) super(now());
    else super(...args);
  }

  static now() {
    return now();
  }
};
