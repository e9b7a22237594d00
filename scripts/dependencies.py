"""What fibrolens is installed with: every package of its closure, as this environment has it, with its licence.

``python scripts/dependencies.py --sbom FILE`` writes a bill of materials (CycloneDX, JSON); without it the packages are
listed. Exit status 1 where a licence is not one that fibrolens accepts.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fibrolens

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
#: Extras of those who work on fibrolens; all others are for users.
OF_DEVELOPERS = frozenset({"bench", "dev", "docs"})
#: Part of a CUDA build of torch on Linux, which NVIDIA lets everybody install; fibrolens needs none and ships none.
OF_CUDA = re.compile(r"nvidia-|cuda-")
COPYLEFT = re.compile(r"GPL|GNU|Affero|SSPL|\bCC-BY-NC|non-?commercial", re.IGNORECASE)


@dataclass
class Package:
    """An installed package.

    Args:
        name, version: as on the package index.
        licence: by its own metadata.
        extras: that bring it; an empty name among them: fibrolens itself does.
        needs: names of packages that it needs here.
        direct: whether fibrolens itself or an extra asks for it.
    """

    name: str
    version: str
    licence: str
    extras: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    direct: bool = False

    @property
    def of_users(self) -> bool:
        """Whether somebody who only uses fibrolens may have it."""
        return bool(self.extras - OF_DEVELOPERS)

    @property
    def brought_by(self) -> str:
        """In words, which installations hold it."""
        return "every installation" if "" in self.extras else ", ".join(sorted(self.extras))


def closure() -> list[Package]:
    """Every package that fibrolens or one of its extras brings, by name; what is not installed here is left out."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    found: dict[str, Package] = {}
    for extra, texts in {"": project["dependencies"], **project["optional-dependencies"]}.items():
        seen: set[tuple[str, str]] = set()
        for needed in map(Requirement, texts):
            # `fibrolens[serve]` within an extra: those packages are listed under serve.
            if needed.name != project["name"]:
                _follow(needed, extra, found, seen)
                if package := found.get(canonicalize_name(needed.name)):
                    package.direct = True
    return [found[name] for name in sorted(found)]


def _follow(needed: Requirement, reason: str, found: dict[str, Package], seen: set[tuple[str, str]]) -> None:
    name = canonicalize_name(needed.name)
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return
    package = found.setdefault(name, Package(name, installed.version, licence_of(installed)))
    package.extras.add(reason)
    for extra in needed.extras | {""}:
        if (name, extra) not in seen:
            seen.add((name, extra))
            for other in _needed(installed, extra):
                package.needs.add(canonicalize_name(other.name))
                _follow(other, reason, found, seen)


def _needed(installed: Distribution, extra: str) -> Iterator[Requirement]:
    """What a package needs here: by itself, or for one of its extras."""
    for needed in map(Requirement, installed.requires or ()):
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            yield needed


def licence_of(installed: Distribution) -> str:
    """The SPDX expression of the package's metadata, else its classifiers, else the first words of its licence."""
    told = installed.metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    named = [text.rsplit(" :: ", 1)[1] for text in told.get_all("Classifier") or () if text.startswith("License ::")]
    words = (told.get("License") or "").strip().split("\n")[0]
    return "; ".join(text for text in named if text != "OSI Approved") or words[:60]


def refused(package: Package) -> bool:
    """Whether a package may not be among ours: its licence is unknown, or copyleft of the GPL kind without a choice."""
    if OF_CUDA.match(package.name):
        return False
    return all(not choice.strip() or COPYLEFT.search(choice) for choice in package.licence.split(" OR "))


def bill_of_materials(packages: list[Package]) -> str:
    """The packages of users and who needs whom, as CycloneDX 1.6 in JSON."""
    bom = Bom()
    own = Component(
        name="fibrolens",
        version=fibrolens.__version__,
        type=ComponentType.APPLICATION,
        licenses=[DisjunctiveLicense(id="Apache-2.0")],
        bom_ref="fibrolens",
    )
    bom.metadata.component = own
    kept = [package for package in packages if package.of_users]
    parts = {package.name: _component(package) for package in kept}
    bom.components.update(parts.values())
    bom.register_dependency(own, [parts[package.name] for package in kept if package.direct])
    for package in kept:
        bom.register_dependency(parts[package.name], [parts[name] for name in package.needs if name in parts])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(package: Package) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        purl=PackageURL("pypi", None, package.name, package.version),
        licenses=[DisjunctiveLicense(name=package.licence)],
        bom_ref=package.name,
    )


def as_table(packages: list[Package]) -> str:
    """The packages as rows of Markdown."""
    rows = [f"| {package.name} | {package.licence} | {package.brought_by} |" for package in packages]
    return "\n".join(["| package | licence | brought by |", "|---|---|---|", *rows]) + "\n"


def main() -> int:
    """List the packages, or write the bill of materials."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sbom", type=Path, metavar="FILE", help="write the bill of materials")
    sbom = options.parse_args().sbom
    packages = closure()
    if sbom:
        sbom.parent.mkdir(parents=True, exist_ok=True)
        sbom.write_text(bill_of_materials(packages), encoding="utf-8")
    else:
        print(as_table(packages))
    bad = [f"{package.name}: {package.licence or 'unknown licence'}" for package in packages if refused(package)]
    print(*bad, sep="\n", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
