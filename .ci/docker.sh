#!/usr/bin/env bash
# The stack in Docker, end to end, and attempts to break out of the enclave's container.
#
#   .ci/docker.sh          everything; the last line is `N passed, N failed, N skipped`
#   .ci/docker.sh images   only builds the images, with the engine that runs here: then `docker compose up`
#
# Installs Docker from Debian if it is missing, and starts an engine of its own if none runs: with data, sockets and log in a temporary folder, without a
# bridge and without touching the firewall. No registry is used. Where no engine can run it says so, and counts the tests as skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
PATH="$ROOT/node_modules/.bin:$PATH:/usr/sbin:/sbin"
export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0 BUILDKIT_PROGRESS=plain
SUITE=test/e2e/docker
STAGE=.build/docker
WORK=
ENGINE=
UP=

skip() {
  echo "SKIP docker: $1"
  echo "0 passed, 0 failed, $(cat $SUITE/*.docker.ts | grep -cE '^ *test(\.each)?\(') skipped"
  exit 0
}

quietly() {
  if ! "$@" >"$WORK/last.log" 2>&1; then
    tail -n 40 "$WORK/last.log" >&2
    return 1
  fi
}

compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

install_docker() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip 'it is not installed, and only root can install it, with apt-get'
  echo 'docker: installing it from Debian'
  export DEBIAN_FRONTEND=noninteractive
  # The package would start an engine of its own.
  local policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    ours=1
  fi
  local done=
  if quietly apt-get update && quietly apt-get install -y --no-install-recommends docker.io docker-compose; then done=1; fi
  [ -z "$ours" ] || rm -f $policy
  [ -n "$done" ] || skip 'it is not installed, and apt-get could not install it'
}

have_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }

start_engine() {
  if command -v docker >/dev/null && have_compose && docker info >/dev/null 2>&1; then return; fi
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! have_compose; then install_docker; fi
  [ "$(id -u)" = 0 ] || skip 'no engine runs, and only root can start one'
  export DOCKER_HOST="unix://$WORK/docker.sock"
  dockerd --host "$DOCKER_HOST" --data-root "$WORK/data" --exec-root "$WORK/exec" --pidfile "$WORK/docker.pid" \
    --storage-driver vfs --bridge none --iptables=false --ip6tables=false >"$WORK/dockerd.log" 2>&1 &
  ENGINE=$!
  for _ in $(seq 120); do
    if docker info >/dev/null 2>&1; then
      echo "docker: engine $(docker version --format '{{.Server.Version}}') started, process $ENGINE"
      return
    fi
    kill -0 $ENGINE 2>/dev/null || break
    sleep 0.25
  done
  tail -n 5 "$WORK/dockerd.log" >&2
  skip 'the engine does not start on this machine; its last words are above'
}

# What a glibc machine has under it, and npm's Node: nothing that could run anything else.
make_base() {
  local node=$1 tree=$WORK/base file
  mkdir -p "$tree/usr/local/bin" "$tree/etc" "$tree/tmp" "$tree/state" "$tree/simulator"
  cp "$node" "$tree/usr/local/bin/node"
  ldd "$node" $STAGE/enclave/*.node | grep -oE '/[^ ]+ \(0x' | sort -u | while read -r file _; do
    mkdir -p "$tree$(dirname "$file")"
    cp -L "$file" "$tree$file"
  done
  echo 'cloister:x:1000:1000::/tmp:' >"$tree/etc/passwd"
  echo 'cloister:x:1000:' >"$tree/etc/group"
  echo 'hosts: files dns' >"$tree/etc/nsswitch.conf"
  find "$tree" -type d -exec chmod 755 {} +
  find "$tree" -type f -exec chmod a+rX,go-w {} +
  chmod 700 "$tree/state" "$tree/simulator"
  # Volumes that are made from these folders belong to who may use them.
  tar -C "$tree" --numeric-owner --owner=0 --group=0 --exclude=./state --exclude=./simulator -cf "$WORK/base.tar" .
  tar -C "$tree" --numeric-owner --owner=1000 --group=1000 -rf "$WORK/base.tar" ./state ./simulator
  docker import "$WORK/base.tar" cloister-base >/dev/null
  rm -rf "$tree" "$WORK/base.tar"
}

build_images() {
  local node
  node=$(node -p process.execPath)
  rm -rf $STAGE
  mkdir -p $STAGE
  quietly node scripts/measure.ts --out $STAGE
  esbuild enclave-sim/platform/simulator/launch.ts --bundle --platform=node --format=esm --target=node24 --log-level=error \
    --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" --outfile=$STAGE/launch.mjs
  chmod -R a+rX $STAGE
  make_base "$node"
  quietly docker run --rm --network none cloister-base /usr/local/bin/node -p process.version || skip 'the engine can not run a container on this machine; its words are above'
  quietly docker build -t cloister-enclave -f enclave-sim/Dockerfile .
}

free_ports() {
  node -e 'const s = [...Array(7)].map(() => net.createServer().listen(0, "127.0.0.1")); setTimeout(() => { console.log(s.map((x) => x.address().port).join(" ")); process.exit() }, 100)'
}

finish() {
  local code=$?
  trap - EXIT
  set +e
  if [ -n "$UP" ]; then
    [ $code = 0 ] || compose -p "$UP" logs --tail 30 2>&1 | tail -n 120 >&2
    compose -p "$UP" down --volumes --timeout 5 >/dev/null 2>&1
  fi
  if [ -n "$ENGINE" ]; then
    kill -TERM $ENGINE 2>/dev/null
    wait $ENGINE 2>/dev/null
    grep -oE " $WORK/[^ ]*" /proc/mounts | sort -r | while read -r mounted; do umount "$mounted"; done
  fi
  [ -z "$WORK" ] || rm -rf --one-file-system "$WORK"
  exit $code
}

WORK=$(mktemp -d /tmp/cloister-docker-XXXXXX)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -d node_modules ] || { echo 'docker: run npm ci first' >&2; exit 1; }
if [ "${1:-}" = images ]; then
  docker info >/dev/null 2>&1 || { echo 'docker: no engine runs' >&2; exit 1; }
  build_images
  echo "docker: built cloister-base and cloister-enclave, PCR0 $(node -p "require('./$STAGE/measurements.json').measurements[0].pcr0")"
  exit 0
fi

start_engine
build_images
read -r CLOISTER_API_PORT CLOISTER_LAMBDA_PORT CLOISTER_ISSUER_PORT CLOISTER_KMS_PORT CLOISTER_DYNAMODB_PORT CLOISTER_STS_PORT CLOISTER_CHAIN_PORT <<<"$(free_ports)"
export CLOISTER_API_PORT CLOISTER_LAMBDA_PORT CLOISTER_ISSUER_PORT CLOISTER_KMS_PORT CLOISTER_DYNAMODB_PORT CLOISTER_STS_PORT CLOISTER_CHAIN_PORT
compose config >/dev/null
UP="cloister-ci-$$"
export CLOISTER_DOCKER_PROJECT=$UP
quietly compose -p "$UP" up -d
quietly node -e "const deadline = performance.now() + 60_000
const ask = () => fetch('http://127.0.0.1:$CLOISTER_API_PORT/v1/health').then(async (answer) => { if (!answer.ok) throw new Error(await answer.text()) }).catch((error) => {
  if (performance.now() > deadline) throw error
  setTimeout(ask, 200)
})
ask()"
echo 'docker: the stack is up'

RESULTS=$WORK/results.json
STATUS=0
node node_modules/jest/bin/jest.js --runInBand --testMatch "$ROOT/$SUITE/*.docker.ts" --json --outputFile="$RESULTS" >"$WORK/jest.out" 2>"$WORK/jest.log" || STATUS=1
grep -v '^Test results written' "$WORK/jest.log"
[ -s "$RESULTS" ] || exit 1
node -p "const r = require('$RESULTS'); \`\${r.numPassedTests} passed, \${r.numFailedTests + r.numRuntimeErrorTestSuites} failed, \${r.numPendingTests} skipped\`"
exit $STATUS
