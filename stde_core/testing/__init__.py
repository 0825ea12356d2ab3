"""The contracts of operators, samplers and estimators, as checks of any class that claims to keep them.

Each check returns None, or raises `AssertionError` with a sentence that names the clause that broke.
They work in float64, whatever the process is set to, with fixed keys, and need no pytest; the fixture
`stde_plugin` of pytest and `registered` make a plugin known for the time of one test.
`stde_pdes.testing.check_problem` does the same for PDE problems. `run_clauses`, with `require` and what
else is made of it, writes the contract of another kind.
"""

from ._clauses import require_round_trip as require_round_trip
from ._contract import jit as jit
from ._contract import require as require
from ._contract import require_near as require_near
from ._contract import run_clauses as run_clauses
from ._estimator import check_estimator as check_estimator
from ._operator import check_operator as check_operator
from ._registered import registered as registered
from ._sampler import check_sampler as check_sampler
from ._subject import cast as cast
