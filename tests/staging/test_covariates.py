import numpy as np

from fibrolens.staging.covariates import covariates


def test_numbers_are_standardised_in_the_order_of_the_plan():
    found = covariates(("sex", "age", "field_strength"), {"age": "70", "sex": "F", "field_strength": "3"})
    np.testing.assert_allclose(found, [-1.0, 1.0, 1.0])


def test_what_is_unknown_is_average():
    np.testing.assert_allclose(covariates(("age", "sex", "field_strength"), {"age": "", "sex": ""}), [0.0, 0.0, 0.0])


def test_a_plan_without_covariates_has_none():
    assert covariates((), {"age": "70"}) is None
