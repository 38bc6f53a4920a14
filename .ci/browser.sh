#!/usr/bin/env bash
# What runs in a real browser, Debian's headless Chromium, which is installed from Debian's packages where it is missing and can be:
#   .ci/browser.sh attestation [vectors]   the attestation verifier, unchanged, on the attestation vectors
#   .ci/browser.sh wallet                  the wallet page against a whole cloud
# The last line: "N passed, N failed, N skipped"; what can not be run is said.
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:-wallet}
vectors=${2:-../shared/vectors}
skip() {
  echo "SKIP $what in a browser: $1"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}
find_browser() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser; }

[ "$what" != attestation ] || [ -d "$vectors/attestation" ] || skip 'no folder of outside vectors beside the checkout'
if ! find_browser > /dev/null && command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell; } > /dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1
fi
browser=$(find_browser) || skip 'no Chromium here, and none can be installed'
# npm's Node 24, for the machine's own may be older.
PATH="$PWD/node_modules/.bin:$PATH"
case $what in
  attestation) exec node scripts/with-node.mjs test/browser/run.ts "$browser" "$vectors" ;;
  wallet) exec node scripts/with-node.mjs test/browser/wallet.ts "$browser" ;;
  *) echo 'usage: .ci/browser.sh attestation [vectors] | wallet' && exit 2 ;;
esac
