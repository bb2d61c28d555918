"""Run Sparsescope from a checkout: ``python main.py [COMMAND | PATH ...]``."""

import sys

from sparsescope import main

if __name__ == "__main__":
    sys.exit(main())
