"""Draw decision curves, the net benefit of each class: python -m experiments.decision_curves outputs/table2."""

import sys

from ecgmm.reporting.decision_curves import main

if __name__ == "__main__":
    sys.exit(main())
