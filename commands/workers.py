"""Workers: several processes that serve on one socket, each started again when it dies."""

import logging
import os
import signal
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

HUNG = 30.0  # seconds without an answer after which a worker is ended
GLANCE = 0.1  # seconds that one look at a worker may take: its neighbours wait
LONG = 30.0  # seconds of life after which a death is no sign of a worse one
DELAY_MOST = 30.0  # seconds between two tries to start what dies at once
GRACE = 5.0  # seconds beyond the drain that an ending worker is given

log = logging.getLogger("plenary.workers")

Make = Callable[[int], uvicorn.Server]


class Worker(Process):
    """A process with a server of its own, made in it by `make`. It ends when its parent does."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], make: Make, place: int) -> None:
        self._make = make
        self._place = place
        super().__init__(config, sockets)
        self._born_at = self._answered_at = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """With the parent's end of the pipe in its hands, it would never learn that the parent is gone."""
        return {name: value for name, value in vars(self).items() if name not in {"process", "parent_conn"}}

    @property
    def age(self) -> float:
        return time.monotonic() - self._born_at

    def is_well(self) -> bool:
        """Runs, and has answered lately. Answers come from a thread: it may be busy, or still starting."""
        if self.process.is_alive() and self.ping(GLANCE):
            self._answered_at = time.monotonic()
        return self.process.is_alive() and time.monotonic() - self._answered_at < HUNG

    def _healthcheck(self, timeout: float) -> bool | None:
        with suppress(OSError, EOFError):
            while self.parent_conn.poll():
                self.parent_conn.recv()  # late answers to earlier questions
        return super()._healthcheck(timeout)

    # --- in the new process ------------------------------------------------------------------------------------------

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        threading.Thread(target=self.always_pong, daemon=True).start()
        self._server = self._make(self._place)
        self._server.run(sockets)

    def pong(self) -> None:
        self.child_conn.recv()
        self.child_conn.send(self._server is not None and self._server.started)

    def always_pong(self) -> None:
        try:
            super().always_pong()
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGTERM)


class Workers(Multiprocess):
    """Keeps `count` workers alive until SIGTERM or Ctrl-C, and tells `greet` once when the first one serves.

    SIGHUP starts each anew, one after the other.
    """

    processes: list[Worker]  # type: ignore[assignment]

    def __init__(
        self, count: int, listener: socket.socket, make: Make, greet: Callable[[], None], *, drain: float
    ) -> None:
        patience = round(HUNG)
        super().__init__(
            uvicorn.Config("", workers=count, log_config=None, timeout_worker_healthcheck=patience), [listener]
        )
        self._make = make
        self._greet: Callable[[], None] | None = greet
        self._drain = drain
        self._due: dict[int, float] = {}  # when a place is filled again
        self._early: defaultdict[int, int] = defaultdict(int)  # deaths at a place, one soon after the other

    def init_processes(self) -> None:
        self.processes = [self._started(place) for place in range(self.processes_num)]

    def _started(self, place: int) -> Worker:
        worker = Worker(self.config, self.sockets, self._make, place)
        worker.start()
        return worker

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():  # whoever ends us may have ended the workers, too
            return
        for place, worker in enumerate(self.processes):
            self._tend(place, worker)
        if self._greet and any(worker.is_ready(GLANCE) for worker in self.processes):
            self._greet()
            self._greet = None

    def _tend(self, place: int, worker: Worker) -> None:
        if place not in self._due and not worker.is_well():
            worker.kill()
            worker.join()
            delay = self._delay(place, worker)
            self._due[place] = time.monotonic() + delay
            log.error("a worker has died, with code %s; another starts in %.1f s", worker.exitcode, delay)
        if time.monotonic() >= self._due.get(place, float("inf")):
            del self._due[place]
            self.processes[place] = self._started(place)

    def _delay(self, place: int, worker: Worker) -> float:
        """None after a long life, else twice as long each time: what cannot start now may start later."""
        self._early[place] = 0 if worker.age > LONG else self._early[place] + 1
        return min(2.0 ** (self._early[place] - 2), DELAY_MOST) if self._early[place] else 0.0

    def restart_all(self) -> None:
        for place, old in enumerate(self.processes):
            new = self._started(place)
            if not new.wait_until_ready(HUNG, self.should_exit):
                log.error("a new worker does not start; the old ones stay")
                new.kill()
                new.join()
                return
            self.processes[place] = new
            self._due.pop(place, None)
            old.terminate()
            self._await(old)

    def terminate_all(self) -> None:
        """Whoever comes now is refused at once, rather than left waiting for nobody."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def join_all(self) -> None:
        for worker in self.processes:
            self._await(worker)

    def _await(self, worker: Worker) -> None:
        worker.process.join(self._drain + GRACE)
        if worker.exitcode is None:
            worker.kill()
            worker.join()

    def handle_ttin(self) -> None:
        """How many there are was said at the start."""

    handle_ttou = handle_ttin
