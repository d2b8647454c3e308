"""Tabulate what wrong labels cost with each criterion: python -m experiments.label_noise outputs/label_noise."""

import sys

from ecgmm.reporting.label_noise import main

if __name__ == "__main__":
    sys.exit(main())
