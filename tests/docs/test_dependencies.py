"""Licences of everything that fibrolens brings, and its bill of materials."""

import json

import pytest
from scripts.dependencies import Package, bill_of_materials, closure, refused


@pytest.fixture(scope="module")
def packages():
    return closure()


def test_no_package_is_under_the_gpl_or_an_unknown_licence(packages):
    assert [f"{package.name}: {package.licence}" for package in packages if refused(package)] == []


def test_the_closure_holds_direct_and_indirect_packages(packages):
    named = {package.name: package for package in packages}
    assert named["torch"].brought_by == "every installation"
    assert "sympy" in named["torch"].needs
    assert named["sympy"].of_users
    assert not named["pytest"].of_users


@pytest.mark.parametrize(
    ("licence", "bad"),
    [
        ("MIT", False),
        ("", True),
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL-2.1-only", True),
        ("GPL-2.0-only OR MIT", False),
        ("CC-BY-NC-4.0", True),
    ],
)
def test_which_licences_are_refused(licence, bad):
    assert refused(Package("a", "1", licence)) is bad


def test_the_bill_of_materials_names_versions_licences_and_who_needs_whom(packages):
    bill = json.loads(bill_of_materials(packages))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part for part in bill["components"]}
    assert parts["numpy"]["purl"] == f"pkg:pypi/numpy@{parts['numpy']['version']}"
    assert all(part["licenses"] for part in parts.values())
    assert "pytest" not in parts
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert "sympy" in needs["torch"]
    assert "torch" in needs["fibrolens"]
    assert "sympy" not in needs["fibrolens"]
