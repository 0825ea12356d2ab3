"""Kills runs of `stde solve` at random moments, resumes them, and compares the end with one never killed.

    python -m benchmarks.kill_and_resume --kills 50 --out benchmarks/results/kill-and-resume

Every kill is a SIGKILL at a moment drawn uniformly from the length of the whole run, its start and its
drawing included. A run is killed several times before it may end; a kill that comes after the end does not
count. Checkpoints must never go back, and the last parameters must be those of the whole run, bit by bit.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from stde_pdes.runs.checkpoint import checkpoint_step

from .rows import Row, append_row, environment, file_of, origin

COMMAND = ["kdv", "--steps", "400", "-t", "gauss_newton.batch=60", "-t", "test_points=500", "--seed", "7"]


def solve(out: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "stde_cli", "solve", *COMMAND, "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed(out: Path, kills: int, length: float, moments: random.Random) -> Iterator[Row]:
    """Starts and kills a run so many times, or until it comes to its end: seconds into a process, and the
    checkpoint that it left, if any."""
    last: int | None = None
    for _ in range(kills):
        process, seconds = solve(out, "--resume", "--checkpoint-seconds", "0.5"), moments.uniform(0, length)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reached = checkpoint_step(out)
        assert last is None or (reached is not None and reached >= last), (last, reached)
        last = reached
        yield {"seconds": round(seconds, 2), "checkpoint": reached}


@click.command(help=__doc__)
@click.option("--kills", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--per-run", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--out", help="A folder for kill-and-resume.jsonl.")
def main(kills: int, per_run: int, seed: int, out: str | None) -> None:
    moments, done, equal, runs = random.Random(seed), list[Row](), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        assert solve(Path(folder, "whole")).wait() == 0
        length, whole = time.monotonic() - began, Path(folder, "whole", "model.eqx").read_bytes()
        while len(done) < kills:
            run = Path(folder, f"run-{runs}")
            done += [
                {"run": runs} | kill for kill in killed(run, min(per_run, kills - len(done)), length, moments)
            ]
            assert solve(run, "--resume").wait() == 0
            equal += (run / "model.eqx").read_bytes() == whole
            runs += 1
            print(f"{len(done)}/{kills} kills, {equal} of {runs} runs ended with the same bits", flush=True)
    if out is not None:
        path = file_of(out, "kill-and-resume")
        totals = {
            "seconds_of_the_whole_run": round(length, 1),
            "runs": runs,
            "runs_with_the_same_bits": equal,
        }
        common = (
            {"study": "kill-and-resume", "seed": seed, "kills": len(done)} | totals | environment() | origin()
        )
        for number, kill in enumerate(done, 1):
            append_row(path, common | {"kill": number} | kill)
    sys.exit(0 if runs == equal else 1)


if __name__ == "__main__":
    main()
