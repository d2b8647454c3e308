"""Draw Figure 2, records before and after preparation on ECG paper: python -m experiments.figure2 outputs."""

import sys

from ecgmm.reporting.figure2 import main

if __name__ == "__main__":
    sys.exit(main())
