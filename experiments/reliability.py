"""Draw calibration before and after temperature scaling: python -m experiments.reliability outputs/table2."""

import sys

from ecgmm.reporting.reliability import main

if __name__ == "__main__":
    sys.exit(main())
