"""Show what a search chose for each row of the tuned table: python -m experiments.tuning outputs/tuning."""

import sys

from ecgmm.reporting.tuning import main

if __name__ == "__main__":
    sys.exit(main())
