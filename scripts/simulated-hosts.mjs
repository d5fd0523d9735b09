// Runs a command by mpirun on simulated hosts: network namespaces of this computer, joined by a bridge, whose network cards are
// limited to a bandwidth. Linux, as root, with iproute2 and Open MPI or MPICH.
//   node scripts/simulated-hosts.mjs [OPTIONS] COMMAND ARGUMENTS...
//     --hosts 2         number of hosts, each with one rank
//     --rate 100mbit    what each sends, and what it receives, per second, as tc writes it; default: no limit
//     --latency 1ms     from a host to another, where the kernel has netem; default: none
//     --mpi openmpi     or mpich, whose version 4.0.2 often hangs in MPI_Finalize over TCP: end it by Ctrl-C
// All traffic stays within the namespaces, which end with this process, also after an error. Ctrl-C goes to mpirun; the ranks keep
// their network until they have saved, for at most 70 s. After SIGKILL, which no process can handle, mpirun has to be ended by hand.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values: options, positionals: command } = parseArgs({
  args: argumentsBefore(process.argv.slice(2)),
  allowPositionals: true,
  options: {
    hosts: { type: 'string', default: '2' },
    rate: { type: 'string' },
    latency: { type: 'string' },
    mpi: { type: 'string', default: 'openmpi' },
  },
});
const count = Number(options.hosts);
/** Seconds that ranks have to end after mpirun. */
const GRACE = 70;
const SUBNET = '10.77.0';

/** Puts `--` before the command, whose own options are not ours. */
function argumentsBefore(args) {
  let first = 0;
  while (args[first]?.startsWith('--')) first += args[first].includes('=') ? 1 : 2;
  return [...args.slice(0, first), '--', ...args.slice(first)];
}

function run(file, ...args) {
  const { status, error, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
const enter = (pid) => ['nsenter', `--target=${pid}`, '--net', '--uts'];
/** Runs a command in the namespaces of a host. */
const runIn = (pid, ...line) => run(...enter(pid), ...line);

/** Processes that hold the namespaces, the first those of the bridge. */
const holders = [];

/** Makes a network of its own. It is there until the process ends, at the latest with this one, whose end closes its input. */
async function makeHost(name) {
  const setUp = 'hostname "$0" && ip link set lo up && echo ready && exec cat';
  const child = spawn('unshare', ['--net', '--uts', 'sh', '-c', setUp, name], {
    // Ctrl-C is not for it.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  holders.push(child);
  await new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', (status) => reject(new Error(`${name} ended with status ${status}`)));
    child.stdout.once('data', resolve);
  });
  return child.pid;
}

/** Limits what a network card sends. */
function limit(pid, card) {
  if (options.rate !== undefined) {
    const bucket = ['rate', options.rate, 'burst', '32kb', 'latency', '50ms'];
    runIn(pid, 'tc', 'qdisc', 'add', 'dev', card, 'root', 'handle', '1:', 'tbf', ...bucket);
  }
}

function delay(pid, card) {
  const parent = options.rate === undefined ? ['root'] : ['parent', '1:1'];
  try {
    runIn(pid, 'tc', 'qdisc', 'add', 'dev', card, ...parent, 'netem', 'delay', options.latency);
  } catch (error) {
    console.error(`simulated-hosts: the latency is not simulated, this kernel refuses netem: ${error.message}`);
    delete options.latency;
  }
}

/** Makes the hosts, and returns their processes and addresses. */
async function makeNetwork() {
  const hub = await makeHost('hub');
  runIn(hub, 'ip', 'link', 'add', 'bridge', 'type', 'bridge');
  runIn(hub, 'ip', 'link', 'set', 'bridge', 'up');
  const hosts = [];
  for (let i = 1; i <= count; i++) {
    const pid = await makeHost(`simulated-${i}`);
    const [port, address] = [`port${i}`, `${SUBNET}.${i}`];
    runIn(hub, 'ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
    runIn(hub, 'ip', 'link', 'set', port, 'master', 'bridge', 'up');
    runIn(pid, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
    runIn(pid, 'ip', 'link', 'set', 'eth0', 'up');
    limit(pid, 'eth0');
    limit(hub, port);
    if (options.latency !== undefined) delay(pid, 'eth0');
    hosts.push({ pid, address });
  }
  return hosts;
}

/** Writes what mpirun takes for ssh: it gets options, an address, and a command for a shell. */
function writeAgent(folder, hosts) {
  const file = join(folder, 'agent');
  const cases = hosts.map(({ pid, address }) => `  ${address}) pid=${pid} ;;`);
  const lines = [
    '#!/bin/sh',
    'while [ "${1#-}" != "$1" ]; do shift; done',
    'case "$1" in',
    ...cases,
    'esac',
    'shift',
    `exec ${enter('$pid').join(' ')} sh -c "$*"`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** The command line of mpirun for a rank on each host. */
function mpirun(hosts, agent) {
  const addresses = hosts.map(({ address }) => address);
  const subnet = `${SUBNET}.0/24`;
  const settings = {
    plm: 'rsh',
    plm_rsh_agent: agent,
    plm_rsh_no_tree_spawn: '1',
    pml: 'ob1',
    btl: 'tcp,self',
    btl_tcp_if_include: subnet,
    oob_tcp_if_include: subnet,
  };
  const openMpi = () => [
    'mpirun.openmpi',
    '--allow-run-as-root',
    '--host',
    addresses.join(),
    ...Object.entries(settings).flatMap(([name, value]) => ['--mca', name, value]),
  ];
  // UCX would find that the hosts are one computer, and share memory.
  const mpich = () => [
    'mpirun.mpich',
    '-genv',
    'UCX_TLS',
    'tcp,self',
    '-hosts',
    addresses.join(),
    '-launcher',
    'ssh',
    '-launcher-exec',
    agent,
  ];
  const launcher = options.mpi === 'mpich' ? mpich() : openMpi();
  return [...launcher, '-n', String(count), ...command];
}

/** The processes in the namespaces, except those that hold them. */
function inside() {
  const networkOf = (pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return null; // It has ended.
    }
  };
  const own = new Set(holders.map(({ pid }) => networkOf(pid)).filter((network) => network !== null));
  const others = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return others.filter((pid) => own.has(networkOf(pid)) && !holders.some((holder) => holder.pid === pid));
}

async function takeDown() {
  for (let i = 0; i < GRACE * 10 && inside().length > 0; i++) await setTimeout(100);
  for (const pid of inside()) process.kill(pid, 'SIGKILL');
  for (const holder of holders) holder.removeAllListeners('exit').kill('SIGKILL');
}

if (!Number.isInteger(count) || count < 1 || count > 250) {
  throw new Error(`--hosts is ${options.hosts}, expected an integer from 1 to 250`);
}
if (!['openmpi', 'mpich'].includes(options.mpi)) {
  throw new Error(`--mpi is ${options.mpi}, expected one of openmpi, mpich`);
}
if (command.length === 0) throw new Error('no command: node scripts/simulated-hosts.mjs --rate 100mbit COMMAND');
if (process.getuid?.() !== 0) throw new Error('network namespaces need Linux and root');
const folder = mkdtempSync(join(tmpdir(), 'retinagrad-hosts-'));
let launched = null;
// A terminal sends Ctrl-C to mpirun, too.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => launched?.kill(signal));
try {
  const hosts = await makeNetwork();
  const [file, ...args] = [...enter(hosts[0].pid), ...mpirun(hosts, writeAgent(folder, hosts))];
  launched = spawn(file, args, { stdio: 'inherit' });
  process.exitCode = await new Promise((resolve, reject) => {
    launched.on('error', reject).on('exit', (status) => resolve(status ?? 1));
  });
} finally {
  await takeDown();
  rmSync(folder, { recursive: true });
}
