import { EventEmitter, once } from 'node:events';
import { onStopSignals } from './stop-signals.js';
import type { StoppableProcess } from './stop-signals.js';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
    this.emit('exited');
  }
}

function start(stop: () => Promise<void>, timeoutMs = 60_000): { target: FakeProcess; forget: () => void } {
  const target = new FakeProcess();
  return { target, forget: onStopSignals(stop, { timeoutMs, process: target as unknown as StoppableProcess }) };
}

describe('onStopSignals', () => {
  it('stops once for several signals and exits with 0', async () => {
    let stops = 0;
    const { target } = start(async () => void (stops += 1));
    target.emit('SIGTERM', 'SIGTERM');
    target.emit('SIGTERM', 'SIGTERM');
    await once(target, 'exited');
    expect([stops, target.exits]).toEqual([1, [0]]);
  });

  it('exits with 1 when the stop fails', async () => {
    const { target } = start(() => Promise.reject(new Error('stuck')));
    target.emit('SIGTERM', 'SIGTERM');
    await once(target, 'exited');
    expect(target.exits).toEqual([1]);
  });

  it('exits at the second SIGINT without waiting, but not at a second SIGTERM', () => {
    const { target } = start(() => new Promise(() => undefined), 10);
    target.emit('SIGINT', 'SIGINT');
    target.emit('SIGTERM', 'SIGTERM');
    expect(target.exits).toEqual([]);
    target.emit('SIGINT', 'SIGINT');
    expect(target.exits).toEqual([130]);
  });

  it('never hangs past the time limit', async () => {
    const { target } = start(() => new Promise(() => undefined), 10);
    target.emit('SIGTERM', 'SIGTERM');
    await once(target, 'exited');
    expect(target.exits).toEqual([1]);
  });

  it('forgets the signals when told to', () => {
    const { target, forget } = start(() => Promise.resolve());
    forget();
    expect([target.listenerCount('SIGINT'), target.listenerCount('SIGTERM')]).toEqual([0, 0]);
  });
});
