"""Show what a search chose for each row, and write it as settings: python -m experiments.tuning outputs/tuning."""

import sys

from ecgmm.reporting.tuning import main

if __name__ == "__main__":
    sys.exit(main())
