"""A call in a process of its own."""

from __future__ import annotations

import pickle
from typing import Any

from optimizer.runtime.worker import OWN, ExecutorError, check_versions


def call_apart(payload: bytes, expected: tuple[tuple[str, str], ...]) -> Any:
    """function(item) of `payload` in a process of its own: a cluster's worker runs tasks in threads, where HiGHS must not be.

    The process ends where nobody waits for the task any more.
    """
    from distributed import get_worker

    from optimizer.runtime.processes import Processes

    check_versions(expected)
    if not hasattr(OWN, "processes"):
        OWN.processes = Processes(1)
    worker = get_worker()
    key = worker.get_current_task()

    def tick() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise ExecutorError("nobody waits for this task any more")

    function, item = pickle.loads(payload)
    return OWN.processes.map(function, [item], tick=tick)[0]
