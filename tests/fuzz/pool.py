"""Cases shared out to processes that import once. One that dies, or takes longer than a case may, is replaced, and the case is told."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tests.fuzz import verdict
from tests.fuzz.verdict import Verdict

#: a process that waits for something takes no processor time: so many times the limit by the clock ends it as well
ASLEEP = 10.0
#: seconds between looks at the clock
TICK = 1.0
#: what a process says when it has imported all it needs, and within how many seconds it must
READY, PROMPT = "ready", 300.0

Work = Callable[[Connection, float, bool], None]


def work(pipe: Connection, limit: float, small: bool) -> None:
    """In a process of its own: imports, then serves."""
    from tests.fuzz.structured import judged

    serve(pipe, limit, lambda seed: judged(seed, limit, small))


def serve(pipe: Connection, limit: float, judge: Callable[[int], Verdict]) -> None:
    """Seeds in, verdicts out. The system ends the process where a case takes more processor time than it may."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send(READY)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    while (seed := pipe.recv()) is not None:
        used = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + limit) + 2, hard))
        pipe.send(judge(seed))


@dataclass(eq=False)
class Worker:
    process: BaseProcess
    pipe: Connection
    seed: int | None = None
    begun: float = 0.0

    def give(self, seed: int | None) -> None:
        self.seed, self.begun = seed, time.monotonic()
        self.pipe.send(seed)


def _worker(target: Work, limit: float, small: bool) -> Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, limit, small), daemon=False)
    process.start()
    there.close()
    return Worker(process, here, begun=time.monotonic())


def verdicts(seeds: Sequence[int], workers: int, limit: float, small: bool = False, target: Work = work) -> Iterator[Verdict]:
    """In the order they are reached. limit: seconds of processor time of a case; target: what runs in the processes."""
    left = list(reversed(seeds))
    busy = [_worker(target, limit, small) for _ in range(min(workers, len(left)))]
    try:
        while busy:
            ready = wait([one.pipe for one in busy], TICK)
            for one in list(busy):
                patience = PROMPT if one.seed is None else ASLEEP * limit
                if one.pipe in ready:
                    found = _received(one)
                elif time.monotonic() - one.begun > patience:
                    found = _lost(one, verdict.HANG, f"no answer within {patience:.0f} s")
                else:
                    continue
                if not one.process.is_alive() and left:
                    busy[busy.index(one)] = _worker(target, limit, small)
                elif left:
                    one.give(left.pop())
                else:
                    _end(one)
                    busy.remove(one)
                if found is not None:
                    yield found
    finally:
        for one in busy:
            one.process.kill()


def _received(one: Worker) -> Verdict | None:
    """What a worker sent, or what became of one that has died; None: it is ready."""
    try:
        found = one.pipe.recv()
    except EOFError:
        one.process.join()
        if one.process.exitcode == -signal.SIGXCPU:
            return _lost(one, verdict.HANG, "more processor time than a case may take")
        return _lost(one, verdict.TRACEBACK, f"its process ended with code {one.process.exitcode}")
    return found if isinstance(found, Verdict) else None


def _lost(one: Worker, bad: str, told: str) -> Verdict:
    one.process.kill()
    one.process.join()
    if one.seed is None:
        raise RuntimeError(f"a process did not come up: {told}")
    seconds = time.monotonic() - one.begun
    commands = (f"python -m tests.fuzz --structured 1 --seed {one.seed}",)
    return Verdict(one.seed, "", bad=bad, told=told, seconds=seconds, commands=commands)


def _end(one: Worker) -> None:
    if one.process.is_alive():
        one.give(None)
        one.process.join(TICK)
        one.process.kill()
