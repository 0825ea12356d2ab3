"""Errors and speeds over the number of samples as a table: on a terminal, and in Markdown."""

from stde_pdes.training import beats_affine

from ._columns import in_markdown, print_page
from ._findings import Findings
from ._format import OLDER, error, machine, mark, number

_MEANING = """\
error is the relative L2 error of the last step, trivial that of the best trivial solution, affine that of the
best affine network; loss is the mean squared residual over the last chunk of steps, about a second, which
the variance of the estimator makes larger; seconds are those of all steps, without compilation; converged s
is when the error, measured about 20 times, first stays within 10 % of its last value. Tangents are drawn per
point, or once per step and shared by all points."""


def print_samples(findings: Findings) -> None:
    """Prints the table to stdout; into a pipe, one line a row."""
    heading = f"{findings.title}\n{_environment(findings)}"
    print_page(heading, _columns(findings), "\n".join([_MEANING, *_remarks(findings)]))


def markdown(findings: Findings) -> str:
    """The page: title, command, environment, table, and what the columns mean."""
    parts = [
        f"# {findings.title}",
        f"    {findings.environment['command']}",
        _environment(findings),
        "![Error and speed over the number of samples](samples.png)",
        in_markdown(_columns(findings)),
        _MEANING,
        "\n".join(f"- {remark}" for remark in _remarks(findings)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _columns(findings: Findings) -> dict[str, list[str]]:
    """The cells of each column, by its title."""
    rows = findings.rows
    return {
        "problem": [row.problem for row in rows],
        "estimator": [row.estimator for row in rows],
        "tangents": [row.tangents for row in rows],
        "samples": [f"{row.samples}{mark(row.older)}" for row in rows],
        "error": [error(row.relative_l2) for row in rows],
        "trivial": [error(row.trivial_relative_l2) for row in rows],
        "affine": [error(row.affine_relative_l2) for row in rows],
        "loss": [number(row.loss) for row in rows],
        "steps/s": [number(row.steps_per_second) for row in rows],
        "seconds": [number(row.seconds) for row in rows],
        "converged s": [number(row.seconds_to_convergence) for row in rows],
        "remarks": ["" if row.status == "ok" else f"{row.status}: {row.reason}" for row in rows],
    }


def _environment(findings: Findings) -> str:
    return machine(findings.environment, f"seed {findings.settings['seed']}")


def _remarks(findings: Findings) -> list[str]:
    older = [OLDER] if any(row.older for row in findings.rows) else []
    return [*_floor(findings), *older, *(f"Left out: {reason}" for reason in findings.left_out)]


def _floor(findings: Findings) -> list[str]:
    """What the errors cannot tell, where all are no better than an affine network's."""
    pairs = [(row.relative_l2, row.affine_relative_l2) for row in findings.rows if row.status == "ok"]
    if not pairs or any(affine is None or beats_affine(found, affine) for found, affine in pairs):
        return []
    return ["No run is better than an affine network: the errors say nothing of how many samples to take."]
