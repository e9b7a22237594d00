from fibrolens.study.groups import groupings

SCANS = [f"s{n}" for n in range(24)]


def cohort(**columns):
    return {scan: {name: cells[n % len(cells)] for name, cells in columns.items()} for n, scan in enumerate(SCANS)}


def test_each_scan_stands_in_the_group_that_its_row_tells():
    rows = cohort(sex=["F", "M", ""], age=["20", "44.9", "45", "64", "65", "80"])
    found = groupings(SCANS, rows, {}, {})
    assert (found["Sex"]["s0"], found["Sex"]["s1"], "s2" in found["Sex"]) == ("women", "men", False)
    assert [found["Age"][f"s{n}"] for n in range(6)] == [
        *["below 45 years"] * 2,
        *["45 to below 65 years"] * 2,
        *["65 years and above"] * 2,
    ]
    assert next(iter(dict.fromkeys(found["Age"].values()))) == "below 45 years"


def test_free_text_is_folded_and_small_groups_stand_together():
    rows = cohort(aetiology=["HCV", "hcv", "HCV", "unknown", "PSC", "Wilson disease", "HCV", "HCV"])
    found = groupings(SCANS, rows, {}, {})["Aetiology"]
    assert (found["s0"], found["s1"], found["s4"], found["s5"]) == (
        "HCV",
        "HCV",
        "2 rarer ones",
        "2 rarer ones",
    )
    assert "s3" not in found


def test_the_thickness_of_the_header_goes_before_the_spacing():
    acquired = {"s0": {"slice_mm": "5", "thickness_mm": ""}, "s1": {"slice_mm": "2.5", "thickness_mm": "1.25"}}
    found = groupings(SCANS, {}, {}, acquired)["Slice thickness"]
    assert found == {"s1": "below 2 mm", "s0": "4 mm and above"}


def test_steatosis_is_a_liver_darker_beside_the_spleen_than_livers_without_it():
    markers = {"s0": {"liver_minus_spleen_hu": "-40.5"}, "s1": {"liver_minus_spleen_hu": "-40.4"}, "s2": {}}
    found = groupings(SCANS, {}, markers, {})["Steatosis"]
    assert found["s0"].startswith("likely")
    assert found["s1"].startswith("unlikely")
    assert "s2" not in found


def test_tables_that_are_not_there_give_no_groups_and_odd_cells_none():
    found = groupings(SCANS, cohort(age=["old"]), {}, {})
    assert set(found) == {"Sex", "Age", "Aetiology", "Site", "Vendor", "Slice thickness", "Steatosis"}
    assert not any(found.values())
