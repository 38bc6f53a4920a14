#!/usr/bin/env bash
# The attestation verifier, unchanged, in a real browser: Debian's headless Chromium runs the attestation vectors. Installs it from Debian's packages
# where it is missing and can be. The last line: "N passed, N failed, N skipped"; what can not be run is said.
set -uo pipefail
cd "$(dirname "$0")/.."
vectors=${1:-../shared/vectors}
skip() {
  echo "SKIP the verifier in a browser: $1"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}
find_browser() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser; }

[ -d "$vectors/attestation" ] || skip 'no folder of outside vectors beside the checkout'
if ! find_browser > /dev/null && command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell; } > /dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1
fi
browser=$(find_browser) || skip 'no Chromium here, and none can be installed'
# npm's Node 24, for the machine's own may be older.
PATH="$PWD/node_modules/.bin:$PATH" exec node scripts/with-node.mjs test/browser/run.ts "$browser" "$vectors"
