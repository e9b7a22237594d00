"""Where a verb's work is done, by its options."""

import argparse

import pytest

from fibrolens.cli.engines import add_engine, ray_address
from fibrolens.errors import UsageError


def options(*arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int)
    add_engine(parser)
    return parser.parse_args(arguments)


def test_work_is_done_here_unless_ray_is_asked_for():
    assert ray_address(options()) is None
    assert ray_address(options("--engine", "ray")) == "auto"
    assert ray_address(options("--engine", "ray", "--ray-address", "head:6379")) == "head:6379"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--ray-address", "head:6379"], "goes with --engine ray"), (["--workers", "0"], "at least 1; it is 0")],
)
def test_options_that_contradict_each_other_are_wrong_use(arguments, told):
    with pytest.raises(UsageError, match=told):
        ray_address(options(*arguments))
