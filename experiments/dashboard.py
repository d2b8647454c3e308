"""Lay out the λ study, the fraction study and Table 2 in W&B: a workspace to explore in and a report to read."""

import sys

from ecgmm.dashboard.workspace import main

if __name__ == "__main__":
    sys.exit(main())
