import { renderPlaces } from './profile-places.js';

const frame = (id: number, functionName: string, url = '', children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});
const BODY = 'file:///somewhere/libs/contracts/dist/tick-body.js';
const CLIENT = 'file:///somewhere/node_modules/undici/lib/client.js';

it('gives what a module calls in Node to the module, and the functions apart; idle time and the profiler are left out', () => {
  const lines = renderPlaces({
    nodes: [
      frame(1, '(root)', '', [2, 3, 4, 5, 7, 8]),
      frame(2, 'compose', BODY),
      frame(3, 'write', CLIENT, [6]),
      frame(4, '(idle)'),
      frame(5, '(garbage collector)'),
      frame(6, 'writev'),
      frame(7, 'post', 'node:inspector'),
      frame(8, 'processTimers', 'node:internal/timers'),
    ],
    samples: [2, 3, 4, 5, 6, 7, 8],
    timeDeltas: [10, 30, 500, 15, 40, 600, 5],
  });
  expect(lines).toEqual([
    'by module:',
    ' 70.0 %  undici',
    ' 15.0 %  garbage collection',
    ' 10.0 %  contracts/dist/tick-body.js',
    '  5.0 %  Node itself: sockets, timers, microtasks',
    'by function:',
    ' 40.0 %  writev',
    ' 30.0 %  undici/lib/client.js write',
    ' 15.0 %  (garbage collector)',
    ' 10.0 %  contracts/dist/tick-body.js compose',
    '  5.0 %  node:internal/timers processTimers',
  ]);
});
