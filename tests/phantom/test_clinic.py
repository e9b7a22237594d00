from datetime import date

import numpy as np
import pytest

from fibrolens.phantom.clinic import sample_record


def records(stage, n=400, confounded=False):
    return [sample_record(np.random.default_rng([stage, k]), stage, (stage, 0.0), 16.0, confounded) for k in range(n)]


def test_controls_have_no_histology():
    for record in records(0, 20):
        assert record.reference == "imaging_negative"
        assert record.histology_date is record.specimen is record.aetiology is None


def test_histology_lies_within_six_months_of_the_ct():
    for record in records(3, 50):
        assert record.reference == "histology"
        apart = date.fromisoformat(record.histology_date) - date.fromisoformat(record.ct_date)
        assert abs(apart.days) < 183


@pytest.mark.parametrize(("stage", "median"), [(0, 257), (1, 212), (4, 148)])
def test_platelets_have_the_published_medians(stage, median):
    measured = [r.platelets for r in records(stage) if r.platelets is not None]
    assert np.median(measured) == pytest.approx(median, rel=0.08)


def test_platelets_fall_with_severity_within_a_stage():
    sick, well = (sample_record(np.random.default_rng(7), 4, (4, latent), 16.0, False) for latent in (2.0, -2.0))
    assert sick.platelets < well.platelets


def test_blood_values_follow_the_disease_and_dates_the_label():
    record = sample_record(np.random.default_rng(7), 4, (0, 0.0), 16.0, False)
    cirrhotic = sample_record(np.random.default_rng(7), 4, (4, 0.0), 16.0, False)
    assert record.platelets > cirrhotic.platelets
    assert record.histology_date == cirrhotic.histology_date


def test_some_laboratory_values_are_missing_together():
    found = records(2)
    missing = [r.platelets is None for r in found]
    assert 0.05 < np.mean(missing) < 0.2
    assert all((r.ast is None) == (r.platelets is None) == (r.alt is None) for r in found)


def test_age_and_sex_follow_table_1_where_confounded():
    ages = [r.age for r in records(4, confounded=True)]
    assert np.percentile(ages, [25, 50, 75]) == pytest.approx([54, 60, 65], abs=2)
    assert np.mean([r.sex == "M" for r in records(4, confounded=True)]) == pytest.approx(51 / 82, abs=0.06)


def test_most_specimens_of_cirrhosis_are_explanted_livers():
    kinds = [r.specimen for r in records(4)]
    assert kinds.count("transplantation") / len(kinds) == pytest.approx(57 / 79, abs=0.06)


def test_ages_are_those_of_adults():
    assert min(r.age for r in records(1)) >= 16
