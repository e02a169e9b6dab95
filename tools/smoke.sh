#!/usr/bin/env bash
# What a newcomer does: clone into an empty directory, `npm start`, paste the two commands, Ctrl-C, start again.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
# Below the range that outgoing connections draw from.
port=$((20000 + RANDOM % 10000))
started=
cleanup() {
  [ -n "$started" ] && kill -INT -- "-$started" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

git clone -q "$source" "$work/tickwire"
cd "$work/tickwire"

start() {
  # A session of its own, so that the interrupt reaches the whole group, as Ctrl-C does.
  setsid npm start --silent -- --port "$port" >"$work/out.log" 2>&1 &
  started=$!
  for _ in $(seq 1 600); do
    grep -q 'Tickwire is running' "$work/out.log" && return 0
    kill -0 "$started" 2>/dev/null || break
    sleep 0.5
  done
  echo 'npm start did not come up:'
  tail -40 "$work/out.log"
  return 1
}
stop() {
  kill -INT -- "-$started"
  for _ in $(seq 1 120); do
    kill -0 "$started" 2>/dev/null || { started=; return 0; }
    sleep 0.5
  done
  echo 'Ctrl-C did not end it:'
  tail -20 "$work/out.log"
  return 1
}
expect() { grep -q "$1" "$work/out.log" || { echo "expected in the output: $1"; cat "$work/out.log"; return 1; }; }

start
expect 'signal    executed'
expect 'callback  webhook.trade_executed'
for _ in $(seq 1 60); do grep -q 'agent     momentum answers' "$work/out.log" && break; sleep 0.5; done
expect 'agent     momentum answers'
[ "$(stat -c %a .tickwire/dev.json)" = 600 ] || { echo 'dev.json can be read by others'; exit 1; }

# The commands exactly as they are shown.
sed -n '/^Sign and send a signal:/,/^Read its status:/p' "$work/out.log" | sed '1d;$d' >"$work/send.sh"
sed -n '/^Read its status:/,/^Ctrl-C/p' "$work/out.log" | sed '1d;$d' >"$work/status.sh"
answer=$(bash "$work/send.sh")
echo "$answer" | grep -q '"status":"received"' || { echo "the pasted command was answered: $answer"; exit 1; }
status=$(bash "$work/status.sh")
echo "$status" | grep -q '"status":"executed"' || { echo "the pasted status command was answered: $status"; exit 1; }

# Ports busy: a sentence, and no harm to the one that runs.
if npm start --silent -- --port "$port" --data-dir "$work/second" >"$work/busy.log" 2>&1; then echo 'a second start on busy ports succeeded'; exit 1; fi
grep -q 'is in use' "$work/busy.log" || { cat "$work/busy.log"; exit 1; }

stop
start
expect 'signal    executed'
stop
echo 'A fresh clone starts, executes, answers, stops and starts again.'
