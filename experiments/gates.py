"""Draw where the gate leans, by class, signal quality and report: python -m experiments.gates outputs/table2."""

import sys

from ecgmm.reporting.gates import main

if __name__ == "__main__":
    sys.exit(main())
