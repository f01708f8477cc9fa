"""Run the command line: ``python -m tutorial_lib``."""

import sys

try:
    from tutorial_lib.cli import main
except ImportError as error:  # a package is missing: the doctor says which
    from tutorial_lib.doctor import print_report

    print(f"tutorial_lib: The command line cannot be loaded: {error}.", file=sys.stderr)
    sys.exit(print_report())

main()
