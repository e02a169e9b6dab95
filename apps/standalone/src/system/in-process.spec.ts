import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@tickwire/testing';
import { localPorts, type LocalPorts } from '../local/ports.js';

// Built, as `npm start` runs it: the worlds' thread is a file of its own.
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

describe('the system in one process', () => {
  let dataDir: string;
  let ports: LocalPorts;
  let child: ChildProcess;
  let output = '';

  beforeAll(async () => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-standalone-'));
    ports = await freePorts();
    child = spawn(process.execPath, [MAIN, '--no-demo', '--data-dir', dataDir, '--port', String(ports.ingress)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually(
      () => ({ running: output.includes('Tickwire is running'), exitCode: child.exitCode, output: output.slice(-500) }),
      ({ running, exitCode }) => running || exitCode !== null,
      80_000,
    );
  });
  afterAll(async () => {
    if (child.exitCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
    }
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("has the worlds' metrics on its page, and how far each consumer of either thread is behind", async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.management}/metrics`);
    const page = await answer.text();
    expect(page).toMatch(/^tickwire_execution_late_ticks_total\{thread="worlds"\} \d+$/m);
    expect(page).toContain('tickwire_thread_answered{thread="worlds"} 1\n');
    const groupsIn = (lines: RegExp): string[] => [
      ...new Set([...page.matchAll(lines)].map(([line]) => /group="([^"]+)"/.exec(line)![1]!)),
    ];
    expect(groupsIn(/^tickwire_consumer_lag_records\{.*thread="worlds"\} \d+$/gm)).toEqual(['execution.worlds']);
    expect(groupsIn(/^tickwire_consumer_lag_records\{(?!.*thread=).*\} \d+$/gm)).toEqual(
      expect.arrayContaining(['api.projector', 'execution.accounts', 'notifier', 'tick-dispatcher', 'validator']),
    );
    expect(page).not.toMatch(/^tickwire_consumer_stopped_partitions\{.*\} [1-9]/m);
  });
});

async function freePorts(): Promise<LocalPorts> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = await localPorts(base).catch(() => undefined);
    if (ports) return ports;
  }
}
