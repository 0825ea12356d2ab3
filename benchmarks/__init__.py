"""How fast is it, beside what else there is, and how accurate: `python -m benchmarks`, and its functions.

Run from the root of a checkout; no wheel has it.
"""

from ._accuracy import accuracy as accuracy
from ._findings import Findings as Findings
from ._operators import operators as operators
from ._outcome import Outcome as Outcome
from ._report import Report as Report
from ._report import Row as Row
from ._samples import samples as samples
from ._step import step as step
