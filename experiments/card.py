"""Write the model card of a finished run: python -m experiments.card outputs/train/default --out card.md."""

import sys

from ecgmm.reporting.card import main

if __name__ == "__main__":
    sys.exit(main())
