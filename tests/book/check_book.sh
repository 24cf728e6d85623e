#!/usr/bin/env bash
# Open the built book in headless Chromium. Where it is absent and may be installed (Debian, root),
# install it; elsewhere the check skips with its reason.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  (apt-get update -q && apt-get install -y -q --no-install-recommends chromium) >/dev/null ||
    echo "chromium could not be installed; the book is not opened in a browser" >&2
fi
.venv/bin/python -m pytest -q -rs tests/book/check_browser.py
