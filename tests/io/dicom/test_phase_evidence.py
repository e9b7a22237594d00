"""The phase of each series of a study."""

from fibrolens.io.dicom.phase_evidence import PhaseEvidence, phase_evidence
from fibrolens.io.dicom.record import SeriesRecord


def scan(number, description="", acquired=None, **facts):
    return SeriesRecord(str(number), number, description, 60, acquired_s=acquired, **facts)


def told(*records):
    return [str(evidence) for evidence in phase_evidence(records)]


def test_the_name_comes_before_the_time():
    assert told(scan(1, "arterial", 70.0, injected_s=0.0)) == ["arterial by name"]


def test_the_time_since_the_injection():
    scans = [scan(n, "Abd", t, injected_s=1000.0) for n, t in enumerate((900.0, 1035.0, 1070.0, 1180.0), 1)]
    assert told(*scans) == [f"{p} by contrast timing" for p in ("native", "arterial", "portal", "delayed")]


def test_an_injection_of_another_hour_tells_nothing():
    assert told(scan(1, "Abd", 9000.0, injected_s=1000.0)) == ["unknown"]


def test_series_of_one_acquisition_share_what_one_of_them_says():
    assert told(scan(1, "portal", 70.0), scan(2, "thin", 71.0), scan(3, "lung", 200.0)) == [
        "portal by name",
        "portal by same acquisition",
        "delayed by scan order",
    ]


def test_a_known_phase_dates_the_others_but_is_only_a_guess():
    evidence = phase_evidence([scan(1, "arterial", 1035.0), scan(2, "Abd", 1072.0), scan(3, "Abd", 800.0)])
    assert [str(e) for e in evidence[1:]] == ["portal by scan order", "native by scan order"]
    assert not evidence[1].sure


def test_two_scans_with_contrast_half_a_minute_apart_are_arterial_and_portal():
    scans = [scan(1, "Abd", 500.0), scan(2, "Abd", 1000.0, contrast=True), scan(3, "Abd", 1040.0, contrast=True)]
    assert told(*scans) == ["native by scan order", "arterial by scan order", "portal by scan order"]


def test_what_a_name_leaves_open_is_told():
    assert told(scan(1, "LIVER 3 PHASE"), scan(2, "Body 5.0 CE"), scan(3, "AXIAL")) == [
        "several by name",
        "contrast by name",
        "unknown",
    ]
    assert not PhaseEvidence("unknown").sure
