"""Run one study in many sessions, each of which is killed: `python kill_sessions.py FOLDER clock|commit SEED`.

A session is a fork, so that it starts at once. With `clock` it is killed after a random time; with `commit` it kills
itself right before or right after a random statement or commit. Prints how many sessions were killed.
"""

import os
import random
import signal
import sys
import time

import study_toys

from netwright.study import Store, resume

KILLS = 20


def killed_at(statement, before):
    """Make this process kill itself at its n-th statement, commit or rollback."""
    import sqlalchemy as sa

    left = iter(range(statement, -1, -1))

    def count(*_):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    moments = ("before_cursor_execute", "commit") if before else ("after_cursor_execute", "commit")
    for moment in moments:
        sa.event.listen(sa.Engine, moment, count)


def session(folder, statement, before):
    if statement is not None:
        killed_at(statement, before)
    resume(
        folder, lambda spec: study_toys.parts(spec, seconds=0.012, keep_going=study_toys.keep_going), progress=False
    )


def run(folder, how, seed):
    rng = random.Random(seed)
    killed = 0
    while True:
        inject = how == "commit" and killed < KILLS
        statement, before = (rng.randrange(5, 60), rng.random() < 0.5) if inject else (None, False)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            session(folder, statement, before)
            os._exit(0)
        if how == "clock" and killed < KILLS:
            time.sleep(rng.uniform(0.005, 0.035))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return killed, os.WEXITSTATUS(status)
        killed += 1


if __name__ == "__main__":
    folder, how, seed = sys.argv[1:]
    Store.create(folder, study_toys.spec()).close()
    print(*run(folder, how, int(seed)))
