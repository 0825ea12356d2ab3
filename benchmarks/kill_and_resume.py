"""Kills runs of `stde solve` at random moments, resumes them, and compares the end with one never killed.

    python -m benchmarks.kill_and_resume --kills 50 --out benchmarks/results/kill-and-resume

Every kill is a SIGKILL at a moment drawn uniformly from the length of the whole run, its start and its
drawing included. A run is killed several times before it may end; a kill that comes after the end does not
count. Checkpoints must never go back, and the last parameters must be those of the whole run, bit by bit.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from stde_pdes.runs import checkpoint_step, environment

COMMAND = ["kdv", "--steps", "400", "-t", "gauss_newton.batch=60", "-t", "test_points=500", "--seed", "7"]


@dataclass(frozen=True)
class Kill:
    """One kill: so many seconds into a process, with the checkpoint it left, if any."""

    run: int
    seconds: float
    checkpoint: int | None


def solve(out: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "stde_cli", "solve", *COMMAND, "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole(out: Path) -> float:
    """A run that is left alone; returns how long it took."""
    began = time.monotonic()
    assert solve(out).wait() == 0
    return time.monotonic() - began


def killed(out: Path, run: int, kills: int, length: float, moments: random.Random) -> Iterator[Kill]:
    """Starts and kills a run so many times, or until it comes to its end."""
    last: int | None = None
    for _ in range(kills):
        process, seconds = solve(out, "--resume", "--checkpoint-seconds", "0.5"), moments.uniform(0, length)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        reached = checkpoint_step(out)
        assert last is None or (reached is not None and reached >= last), (last, reached)
        last = reached
        yield Kill(run, round(seconds, 2), reached)


def same_end(out: Path, reference: Path) -> bool:
    """Lets a run come to its end, and compares its parameters with those of another."""
    assert solve(out, "--resume").wait() == 0
    return (out / "model.eqx").read_bytes() == (reference / "model.eqx").read_bytes()


def measure(kills: int, per_run: int, seed: int) -> dict[str, object]:
    """Kills until there are enough, and says what came of it."""
    moments, done, runs, equal = random.Random(seed), [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "whole"
        length = whole(reference)
        while len(done) < kills:
            out = Path(folder) / f"run-{runs}"
            done += killed(out, runs, min(per_run, kills - len(done)), length, moments)
            equal += same_end(out, reference)
            runs += 1
            print(f"{len(done)}/{kills} kills, {equal} of {runs} runs ended with the same bits", flush=True)
    return {
        "command": ["stde", "solve", *COMMAND],
        "seed": seed,
        "seconds_of_the_whole_run": round(length, 1),
        "kills": len(done),
        "kills_after_a_checkpoint": sum(kill.checkpoint is not None for kill in done),
        "runs": runs,
        "runs_with_the_same_bits": equal,
        "each": [asdict(kill) for kill in done],
        "environment": {name: value for name, value in environment().items() if name != "command"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--per-run", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for kill-and-resume.json")
    arguments = parser.parse_args()
    result = measure(arguments.kills, arguments.per_run, arguments.seed)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2) + "\n"
        (arguments.out / "kill-and-resume.json").write_text(text, encoding="utf-8")
    sys.exit(0 if result["runs"] == result["runs_with_the_same_bits"] else 1)


if __name__ == "__main__":
    main()
