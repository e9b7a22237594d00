"""The choice between the series of a study, from plain records."""

from dataclasses import replace

import pytest

from fibrolens.errors import InputError, PhaseError, SeriesError
from fibrolens.io.dicom.record import SeriesRecord
from fibrolens.io.dicom.select import MOST_MEASURED, NO_LIVER, refuse, select


def scan(number, description="Abdomen", acquired=None, images=60, **facts):
    return SeriesRecord(
        f"1.{number}", number, description, images, plane="axial", thickness_mm=3.0, coverage_mm=210.0,
        acquired_s=acquired, **facts,
    )  # fmt: skip


def measures(**phases):
    """A measure that knows the phase of each series, and the list of those that it was asked."""
    asked = []

    def measure(record):
        asked.append(record.number)
        return phases[f"s{record.number}"]

    return measure, asked


def number(selection):
    return selection.chosen and selection.chosen.number


def test_the_order_of_the_files_does_not_matter():
    scans = [scan(1, "native"), scan(2, "arterial"), scan(3, "portal"), scan(4, "portal thin", images=200)]
    assert select(scans) == select(scans[::-1])


def test_of_two_alike_the_longer_then_the_later_is_taken_and_both_are_named():
    selection = select([scan(3, "portal"), scan(4, "portal venous")])
    assert number(selection) == 4
    assert "1.3" in selection.warning
    assert '"portal venous"' in selection.warning
    assert number(select([scan(3, "portal", images=61), scan(4, "portal")])) == 3


def test_two_reconstructions_of_one_acquisition_are_no_doubt():
    assert select([scan(3, "portal", 70.0), scan(4, "portal B", 70.0)]).warning is None


def test_the_best_of_a_bad_lot_is_taken_if_its_phase_alone_is_open():
    assert number(select([scan(1, "native"), scan(2, "LIVER 3 PHASE"), scan(3, "arterial")])) == 2


def test_an_order_of_scans_is_a_guess_that_warns():
    scans = [scan(1, "Abd", 1000.0, contrast=True), scan(2, "Abd", 1040.0, contrast=True)]
    selection = select(scans)
    assert number(selection) == 2
    assert "by the order of the scans" in selection.warning


def test_the_organs_decide_where_the_order_was_only_a_guess():
    scans = [scan(1, "Abd", 1000.0, contrast=True), scan(2, "Abd", 1040.0, contrast=True)]
    measure, asked = measures(s2="delayed")
    selection = select(scans, measure)
    assert asked == [2]  # the other is left, and the quality gate measures it
    assert number(selection) == 1
    assert selection.warning is None


def test_measuring_ends_with_the_first_that_is_portal_venous():
    measure, asked = measures(s1="native", s2="arterial", s3="portal")
    assert number(select([scan(1), scan(2), scan(3)], measure)) == 3
    assert asked == [3]


def test_a_portal_name_or_a_single_candidate_needs_no_measure():
    measure, asked = measures()
    assert number(select([scan(1), scan(2, "portal"), scan(3)], measure)) == 2
    assert number(select([scan(1, "native"), scan(2)], measure)) == 2
    assert asked == []


def test_a_measured_acquisition_is_measured_once_for_all_its_series():
    measure, asked = measures(s1="native", s2="portal", s4="arterial")
    scans = [scan(1, "Abd"), scan(2, "Abd", 70.0, 40), scan(3, "thin", 30.0, 70), scan(4, "Abd", 30.0, 80)]
    selection = select(scans, measure)
    assert asked[0] == 4
    assert 3 not in asked
    assert {r.number: r.verdict for r in selection.rows}[3] == "not chosen: arterial by same acquisition"


def test_no_more_than_a_few_are_measured():
    measure, asked = measures(**{f"s{n}": "arterial" for n in range(9)})
    selection = select([scan(n) for n in range(9)], measure)
    assert len(asked) == MOST_MEASURED
    assert selection.chosen is None


def test_scans_without_a_liver_or_that_cannot_be_read_give_way():
    measure, _ = measures(s1="portal", s2=NO_LIVER)
    assert number(select([scan(1), scan(2)], measure)) == 1

    def broken(record):
        if record.number == 2:
            raise InputError("no pixels; export again.")
        return "portal"

    selection = select([scan(1), scan(2)], broken)
    assert number(selection) == 1
    assert selection.rows[1].verdict == "not chosen: cannot be read: no pixels"


@pytest.mark.parametrize(
    ("scans", "error", "words"),
    [
        ([scan(1), scan(2)], SeriesError, "more than one of them may be the portal-venous scan"),
        ([scan(1, "native"), scan(2, "arterial")], PhaseError, "none is a portal-venous scan"),
        ([scan(1, "scout"), scan(2, "MIP")], SeriesError, "none is an axial scan of the abdomen"),
    ],
)
def test_without_a_sensible_candidate_the_reasons_are_told(scans, error, words):
    refused = refuse(select(scans), "study")
    assert type(refused) is error
    assert words in str(refused)
    assert "--series UID" in str(refused)
    assert all(one.uid in str(refused) for one in scans)


def test_where_organs_are_wanted_in_any_phase_the_best_scan_is_taken():
    assert number(select([scan(1, "native"), scan(2, "arterial")], any_phase=True)) == 2
    assert number(select([scan(1), scan(2)], any_phase=True)) == 2
    assert select([scan(1, "scout")], any_phase=True).chosen is None


def test_a_verdict_names_what_made_the_difference():
    best = scan(3, "portal", kernel="Br40")
    others = [
        replace(best, uid="1.4", number=4, kernel="Br60"),
        replace(best, uid="1.5", number=5, thickness_mm=7.0),
        replace(best, uid="1.6", number=6, coverage_mm=130.0),
        replace(best, uid="1.7", number=7, image_type=("DERIVED",)),
    ]
    verdicts = {row.number: row.verdict for row in select([best, *others]).rows}
    assert verdicts == {
        3: "chosen",
        4: "not chosen: sharp kernel",
        5: "not chosen: slices of 7 mm",
        6: "not chosen: covers 130 mm",
        7: "not chosen: derived image",
    }
