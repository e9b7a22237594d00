"""Pages of the manual that are made from the program itself, so that they cannot differ from it; an MkDocs hook."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import fibrolens
from dependencies import as_table, closure
from fibrolens.cli import parser
from fibrolens.weights import shipped

#: Columns of a help text: what fits beside the navigation.
WIDTH = 100


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of `docs/`."""
    files.append(File.generated(config, "cli.md", content=command_line()))
    files.append(File.generated(config, "api.md", content=public_names()))
    files.append(File.generated(config, "licences.md", content=licences()))
    for name in ("lfs", "vnet"):
        files.append(File.generated(config, f"model-{name}.md", content=(shipped(name) / "MODEL_CARD.md").read_text()))
    return files


def command_line() -> str:
    """Every verb with its help, word for word."""
    head = (
        "# The command line\n\nMade from the program's own `--help`.\n\n"
        "Exit status: 0 done; 2 wrong use; 3 the input cannot be used; 4 the model or its weights cannot be used; "
        "5 the output could not be written; 1 a defect of ours; 130 interrupted.\n"
    )
    verbs = [f"## {verb.prog}\n\n```text\n{wide_help(verb)}```\n" for verb in walk(parser())]
    return "\n".join([head, *verbs])


def walk(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command and all its verbs, each before its own."""
    yield command
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from walk(verb)


def wide_help(command: argparse.ArgumentParser) -> str:
    """The help text, as wide as the page and not as the terminal."""
    formatter = command.formatter_class
    command.formatter_class = lambda prog: formatter(prog, width=WIDTH)  # type: ignore[assignment]
    return command.format_help()


def public_names() -> str:
    """The public names, each with its docstring."""
    head = (
        "# Python\n\n`import fibrolens as fl` gives these names; each is imported when it is first used. Arrays are "
        "`[slice, row, column]`, world coordinates LPS in mm, values HU. Errors are subclasses of "
        "`fl.FibrolensError`.\n"
    )
    names = [f"## fl.{name}\n\n::: {fibrolens._HOMES[name]}.{name}\n" for name in fibrolens.__all__]
    more = ["## Targets of a location map\n\n::: fibrolens.explain.targets\n"]
    return "\n".join([head, *names, *more])


def licences() -> str:
    """Every package that an installation may hold, with its licence."""
    head = (
        "# Licences\n\nfibrolens is under Apache-2.0. What it brings, by the packages' own metadata on the machine "
        "that made this page; a test refuses packages under the GPL, AGPL or LGPL, for non-commercial use, or under no "
        "known licence. `python scripts/dependencies.py --sbom FILE` writes a bill of materials (CycloneDX). A CUDA "
        "build of torch on Linux also brings NVIDIA's libraries, under NVIDIA's own licence; fibrolens needs none and "
        "ships none.\n\n"
    )
    return head + as_table(closure())
