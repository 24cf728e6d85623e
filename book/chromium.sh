#!/usr/bin/env bash
# Install Chromium where it is absent and may be installed (Debian, root); who needs it elsewhere
# says so itself.
set -euo pipefail
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  (apt-get update -q && apt-get install -y -q --no-install-recommends chromium) >/dev/null ||
    echo "chromium could not be installed" >&2
fi
