"""How far two ways to the same sum may differ: from the type of the numbers and the length of the sum alone.

Which way a processor goes (the width of its vectors, its matrix units, the number of threads, the make-up of a batch)
is not promised, so no test may depend on it.
"""

import math

import torch

EPS = torch.finfo(torch.float32).eps
_SPREAD = 4.0
"""In units of u sqrt(n): a sum of n rounded terms is farther off once in 1,500 sums (2 exp(-16 / 2))."""


def of_sums(n_terms: int) -> float:
    """Largest difference of two float32 sums of the same n terms, in units of the sum of their absolute values.

    Each is within 4 u sqrt(n) of the truth, u = eps / 2, unless chance is very unkind; the bound for certain has n in
    place of sqrt(n) (Higham and Mary, SIAM Journal on Scientific Computing 41, 2019, theorem 2.4).
    """
    return 2 * _SPREAD * EPS / 2 * math.sqrt(n_terms)
