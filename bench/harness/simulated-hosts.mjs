// Hosts that are none: SSH servers in this process that answer each command as a real host did once. The first backup is of
// the real host, through a server that passes its commands on and writes the answers down.
//   node simulated-hosts.mjs COUNT REAL_PORT REAL_KEY     then, on standard input: "replay" once it was recorded
// Prints one line of JSON: the ports, and the fingerprint of the host key.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import ssh2 from 'ssh2';

const [count = '1', realPort = '22', realKey = ''] = process.argv.slice(2);
const MARKER = /@coolify-state:[0-9a-f]{24}@/;
/** What psql is asked to say after each answer; others have the same length. */
const ECHO = /\\echo (\S+[0-9a-f]{18})\n/g;
const hostKey = ssh2.utils.generateKeyPairSync('ed25519');
/** Answers of each command, in the order in which they were given on one connection. */
const answers = new Map();
let isRecording = true;

const ports = [];
for (let index = 0; index < Number(count); index++) ports.push(await listening());
const blob = Buffer.from(hostKey.public.split(' ')[1], 'base64');
const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
console.log(JSON.stringify({ ports, fingerprint }));
createInterface({ input: process.stdin }).on('line', () => {
  isRecording = false;
  console.log(JSON.stringify({ commands: answers.size }));
});

function listening() {
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, serve);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', 511, () => resolve(server.address().port)));
}

function serve(client) {
  const seen = new Map();
  const real = isRecording ? connected() : undefined;
  client.on('error', () => undefined);
  client.on('close', () => void real?.then((connection) => connection.end()));
  client.on('authentication', (context) => context.accept());
  client.on('session', (accept) => {
    const session = accept();
    session.on('exec', (acceptExec, _reject, { command }) => {
      const channel = acceptExec();
      channel.on('error', () => undefined);
      const key = command.replace(MARKER, '');
      const turn = seen.get(key) ?? 0;
      seen.set(key, turn + 1);
      if (real !== undefined) void record(real, channel, command, key);
      else replay(channel, command, key, turn);
    });
  });
}

function connected() {
  const connection = new ssh2.Client();
  return new Promise((resolve, reject) => {
    connection.on('ready', () => resolve(connection)).on('error', reject);
    connection.connect({
      ...{ host: '127.0.0.1', port: Number(realPort), username: 'root' },
      privateKey: readFileSync(realKey),
    });
  });
}

async function record(real, channel, command, key) {
  const connection = await real;
  connection.exec(command, (error, stream) => {
    if (error !== undefined) throw error;
    // Each part of an answer came when so much of the input had been read.
    const answer = { parts: [], said: '', input: 0, code: 0 };
    answers.set(key, [...(answers.get(key) ?? []), answer]);
    channel.on('data', (chunk) => {
      answer.input += chunk.length;
      answer.said += chunk.toString('latin1');
      stream.write(chunk);
    });
    channel.on('end', () => stream.end());
    stream.on('data', (chunk) => {
      answer.parts.push({ to: 'stdout', chunk, after: answer.input });
      channel.write(chunk);
    });
    stream.stderr.on('data', (chunk) => {
      answer.parts.push({ to: 'stderr', chunk, after: answer.input });
      channel.stderr.write(chunk);
    });
    stream.on('exit', (code) => {
      answer.code = code ?? 1;
    });
    stream.on('close', () => {
      channel.exit(answer.code);
      channel.end();
    });
  });
}

function replay(channel, command, key, turn) {
  const known = answers.get(key);
  const answer = known?.[Math.min(turn, known.length - 1)];
  if (answer === undefined) {
    process.stderr.write(`never heard: ${command.slice(0, 200)}\n`);
    channel.exit(127);
    channel.end();
    return;
  }
  const marker = MARKER.exec(command)?.[0] ?? '';
  const parts = [...answer.parts];
  let input = 0;
  let said = '';
  const goOn = () => {
    while (parts.length > 0 && parts[0].after <= input) {
      const { to, chunk } = parts.shift();
      const whole = echoed(marked(chunk, marker), answer.said, said);
      (to === 'stdout' ? channel : channel.stderr).write(whole);
    }
    if (parts.length > 0 || input < answer.input) return;
    channel.removeListener('data', taken);
    channel.resume();
    channel.write('', () => {
      channel.exit(answer.code);
      channel.end();
    });
  };
  const taken = (chunk) => {
    input += chunk.length;
    if (answer.input < 1_000_000) said += chunk.toString('latin1');
    goOn();
  };
  channel.on('data', taken);
  // What is said after the end of the input.
  channel.once('end', () => {
    input = Number.POSITIVE_INFINITY;
    goOn();
  });
  if (answer.input === 0) goOn();
}

/** The marker of this command in place of that of the recorded one. */
function marked(chunk, marker) {
  const at = MARKER.exec(chunk.subarray(0, 4096).toString('latin1'));
  if (at === null) return chunk;
  return Buffer.concat([
    chunk.subarray(0, at.index),
    Buffer.from(marker),
    chunk.subarray(at.index + at[0].length),
  ]);
}

/** What psql says after its answers, in place of what it said then. */
function echoed(chunk, then, now) {
  const [former, wanted] = [then, now].map((text) => [...text.matchAll(ECHO)].map(([, echo]) => echo));
  let text = chunk.toString('latin1');
  former.forEach((echo, index) => {
    if (wanted[index] !== undefined) text = text.replaceAll(echo, wanted[index]);
  });
  return former.length === 0 ? chunk : Buffer.from(text, 'latin1');
}
