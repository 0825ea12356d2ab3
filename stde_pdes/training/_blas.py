"""Linear algebra on the CPU in one thread."""

from contextlib import AbstractContextManager

import scipy.linalg  # noqa: F401  # JAX calls its LAPACK, and would load it later, with all threads
from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """Within it, LAPACK, which JAX calls on a CPU, computes in one thread.

    Its threads wait for each other in a loop: beside any other work on the machine a step of
    Gauss-Newton takes up to twenty times as long, and alone they gain nothing at its sizes.
    """
    return threadpool_limits(limits=1, user_api="blas")
