"""Tabulate the AUROC of classes whose labels were never seen: python -m experiments.unseen outputs/unseen_classes."""

import sys

from ecgmm.reporting.unseen import main

if __name__ == "__main__":
    sys.exit(main())
