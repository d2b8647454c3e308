"""Tabulate how a run does for women, the old, one device: python -m experiments.subgroups outputs/table2."""

import sys

from ecgmm.reporting.subgroups import main

if __name__ == "__main__":
    sys.exit(main())
