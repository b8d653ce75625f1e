"""What `flightlog rerun` prepares inside each process of the program, before the program starts."""

from __future__ import annotations

import os
from pathlib import Path

from flightlog.core.rerun import answer_by
from flightlog.replay.answering import Replayer
from flightlog.replay.order import VARIABLE, Files
from flightlog.replay.people import answer_for_people


def begin() -> None:
    """Have the recorded answers given from now on; nothing is read before the first question."""
    directory = Path(os.environ[VARIABLE])
    if not directory.is_dir():  # the rerun is over, and left a process behind that starts others
        return
    replayer = Replayer(Files(directory))
    answer_by(replayer)
    answer_for_people(replayer)
