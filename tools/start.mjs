// `npm start` and `npm run start:kafka`: installs and builds what is missing, then runs the system with the pinned Node.
// Runs on the machine's own Node (20 or newer), so it uses nothing from node_modules.
import { spawn } from 'node:child_process';
import { prepare, pinnedNode } from './prepare.mjs';

const args = process.argv.slice(2);
const kafka = args[0] === '--kafka';
if (kafka) args.shift();

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Node ${process.versions.node} is too old to start Tickwire: install Node 20 or newer from https://nodejs.org`,
  );
  process.exit(1);
}
try {
  await prepare();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const entry = kafka ? 'apps/standalone/dist/kafka-main.js' : 'apps/standalone/dist/main.js';
const child = spawn(pinnedNode(), [entry, ...args], { stdio: 'inherit' });
// Ctrl-C reaches the whole group; this process only waits. A signal to this process alone is handed on.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
