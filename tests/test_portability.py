"""What only some systems have is not needed: here it is hidden from a new process."""

import subprocess
import sys

HIDDEN = """
import os, sys
import psutil  # whose own part for this system may need what is hidden
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "getuid", "geteuid"):
    delattr(os, name)
"""

RUN = """
import warnings
from pathlib import Path
from click.testing import CliRunner
import stde_pdes
from stde_cli import cli
from stde_pdes.memory import peak_resident_mb, resident_mb
from stde_pdes.runs.files import read_file, write_file
from stde_pdes.runs.directory import own_directory

assert 0 < resident_mb(os.getpid()) <= peak_resident_mb() * 1.1
for command in ("solve", "evaluate", "report"):
    assert CliRunner().invoke(cli, [command, "--help"]).exit_code == 0
warnings.simplefilter("ignore")  # filelock says that there is no flock
with own_directory(Path(sys.argv[1]), "kdv", resume=False) as directory:
    write_file(directory, "run.json", b"{}\\r\\n")
    assert read_file(directory, "run.json") == b"{}\\r\\n"
    try:
        with own_directory(Path(sys.argv[1]), "kdv", resume=True):
            raise AssertionError("two at a time")
    except ValueError as error:
        assert "is in use by another run" in str(error)
with own_directory(Path(sys.argv[1]), "kdv", resume=True):
    pass
"""


def test_nothing_that_only_posix_has_is_imported_or_needed_for_a_run(tmp_path):
    command = [sys.executable, "-c", HIDDEN + RUN, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
