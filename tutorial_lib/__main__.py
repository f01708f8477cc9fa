"""Run the command line: ``python -m tutorial_lib``."""

import sys

try:
    from tutorial_lib.cli import main
except ImportError as error:  # the command line itself needs packages: say which are missing
    from tutorial_lib.doctor import report

    print(f"tutorial_lib: The command line cannot be loaded: {error}.", file=sys.stderr)
    sys.exit(report())

main()
