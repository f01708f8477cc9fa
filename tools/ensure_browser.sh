#!/bin/sh
# Make sure the browser tests have a Chromium: ensure_browser.sh PATH-OF-PYTHON
set -eu
python=$1

has_browser() {
    "$python" - <<'EOF'
import sys
from pathlib import Path
from playwright.sync_api import sync_playwright
from tutorial_lib.doctor import find_browser
if find_browser() is None:
    with sync_playwright() as playwright:
        sys.exit(not Path(playwright.chromium.executable_path).exists())
EOF
}

has_browser && exit 0
echo "No Chromium found; installing one."
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq chromium fonts-dejavu-core >/dev/null
else
    "$python" -m playwright install chromium
fi
has_browser || {
    echo "The browser tests need Chromium: install it, or set TUTORIAL_LIB_BROWSER to its path." >&2
    exit 1
}
