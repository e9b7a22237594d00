"""Run every step of the campaign, one after the other, in this one process: ``python -m tests.verbs.run_steps HOME``.

The process has a network of its own with nothing but a loopback where the machine allows it, and the guard of
``guard/sitecustomize.py`` everywhere. What each verb said, on the level of the file descriptors, stands in
``HOME/said/STEP.json``.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.verbs import asking, prepare
from tests.verbs.marked import write_world
from tests.verbs.steps import STEPS, Step

from fibrolens import cli

#: Of ioctl, Linux: read and write the flags of an interface; it is up and running.
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1 | 0x40
LONGEST_S = 60


def main() -> None:
    """Make the patients, run the steps."""
    home = Path(sys.argv[1])
    if os.environ.get("TEST_OWN_NETWORK"):
        loopback_up()
    write_world(home)
    (home / "results").mkdir()
    (home / "said").mkdir()
    for step in STEPS:
        began = time.monotonic()
        told = run_step(step, home)
        told["seconds"] = round(time.monotonic() - began, 1)
        (home / "said" / f"{step.name}.json").write_text(json.dumps(told), encoding="utf-8")


def loopback_up() -> None:
    """Switch on the loopback of a network that was just made."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        name = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(one, GET_FLAGS, name))[1]
        fcntl.ioctl(one, SET_FLAGS, struct.pack("16sh", b"lo", flags | UP))


def run_step(step: Step, home: Path) -> dict[str, object]:
    """What a step said, what it answered, its status, and who it tried to call."""
    attempts, out, err = (home / f"{name}.txt" for name in ("attempts", "out", "err"))
    for path in (attempts, out, err):
        path.write_text("")
    os.environ["TEST_NETWORK_ATTEMPTS"] = str(attempts)
    command = step.command(home)
    if step.before:
        getattr(prepare, step.before)(home)
    for name, value in prepare.known(home).items():
        command = [word.replace(name, value) for word in command]
    answers: dict[str, str] = {}
    if step.asks:
        status = serve(command, home, getattr(asking, step.asks), answers, (out, err))
    else:
        status = said_into(out, err, lambda: cli.main(command))
    return {
        "status": status,
        "out": out.read_text(encoding="utf-8"),
        "err": err.read_text(encoding="utf-8"),
        "answers": answers,
        "attempts": attempts.read_text(encoding="utf-8").splitlines(),
    }


def said_into(out: Path, err: Path, work: Callable[[], int]) -> int:
    """Do something whose output, and that of the processes it starts, goes into files."""
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number, path in ((1, out), (2, err)):
            with path.open("ab") as stream:
                os.dup2(stream.fileno(), number)
        try:
            return work()
        except BaseException:  # noqa: BLE001 - the test shows it
            traceback.print_exc()
            return -1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def serve(
    command: list[str],
    home: Path,
    ask: Callable[[str, Path], dict[str, str]],
    answers: dict[str, str],
    said: tuple[Path, Path],
) -> int:
    """Start a verb that serves, ask it, end it as Ctrl-C does; its status."""
    with said[0].open("ab") as out, said[1].open("ab") as err:
        process = subprocess.Popen([sys.executable, "-m", "fibrolens", *command], stdout=out, stderr=err)
    try:
        until = time.monotonic() + LONGEST_S
        while not (found := asking.LINK.search(said[0].read_text())):
            if time.monotonic() > until or process.poll() is not None:
                return -1
            time.sleep(0.1)
        answers |= ask(found[0], home)
    except OSError:
        with said[1].open("a") as err:
            traceback.print_exc(file=err)
        return -1
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


if __name__ == "__main__":
    main()
