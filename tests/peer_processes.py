"""Processes on this machine that share a training, as ``torchrun`` starts them."""

import multiprocessing
import os
import socket

import torch

from fibrolens.staging.peers import joined


def in_processes(size, work, *arguments):
    """Call ``work(peers, *arguments)`` in `size` processes at once; `work` is importable by name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_join, args=(rank, size, port, work, arguments)) for rank in range(size)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * size


def _join(rank, size, port, work, arguments):
    torch.set_num_threads(1)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    os.environ.update(place | {"RANK": str(rank), "WORLD_SIZE": str(size)})
    with joined() as peers:
        work(peers, *arguments)
