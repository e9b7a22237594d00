import json
import shutil

import numpy as np
import pytest

from fibrolens.evaluate.conformal import covered, stage_sets
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import evaluate_predictions
from fibrolens.study.tables import write_table
from fibrolens.study.trust import trust


def drawn(generator, number, fold):
    stage = int(generator.integers(5))
    raw = generator.random(5) + np.eye(5)[stage]
    return Predicted(f"s{number}", f"p{number}", fold, (stage,), tuple(float(p) for p in raw / raw.sum()))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    generator = np.random.default_rng(0)
    cases = [drawn(generator, n, n % 2) for n in range(120)]
    inner = {fold: [drawn(generator, 1000 * fold + n, fold) for n in range(60)] for fold in range(2)}
    columns = ("patient_id", "scan_id", "image", "stage", "sex")
    rows = [
        {
            "patient_id": c.patient_id,
            "scan_id": c.scan_id,
            "image": "i.nii",
            "stage": f"F{c.stages[0]}",
            "sex": "MF"[n % 2],
        }
        for n, c in enumerate(cases)
    ]
    write_table(rows, columns, out / "cohort.csv")
    evaluation = evaluate_predictions(cases, np.random.default_rng(0), 20, inner=inner)
    return out, cases, inner, evaluation


def test_the_groups_are_called_at_the_studys_own_cuts_and_sets(study):
    _, cases, inner, evaluation = study
    found = trust(*study)
    women, men = found["subgroups"]["groupings"]["Sex"]["groups"]
    assert {women["name"], men["name"]} == {"women", "men"}
    pooled = evaluation["thresholds"]["F>=3"]["operating_point"]["sensitivity"]
    assert pooled["count"] == sum(g["thresholds"]["F>=3"]["sensitivity"]["count"] for g in (women, men))
    hit = covered(cases, stage_sets(cases, inner))
    assert hit.sum() == sum(g["coverage"]["count"] for g in (women, men))
    assert found["conformal"]["claims"][1]["coverage"]["count"] == hit.sum()
    assert found["deferral"]["curve"][0]["correct"]["value"] == evaluation["confusion"]["correct"]["value"]
    json.dumps(found, allow_nan=False)


def test_tables_that_are_there_give_more_groups(study, tmp_path):
    out, cases, inner, evaluation = study
    assert "reason" in trust(*study)["subgroups"]["groupings"]["Vendor"]
    folder = tmp_path / "study"
    shutil.copytree(out, folder)
    rows = [{"scan_id": c.scan_id, "vendor": ("Alpha", "Beta")[n % 2]} for n, c in enumerate(cases)]
    write_table(rows, ("scan_id", "vendor"), folder / "acquisition.csv")
    vendors = trust(folder, cases, inner, evaluation)["subgroups"]["groupings"]["Vendor"]["groups"]
    assert [group["name"] for group in vendors] == ["Alpha", "Beta"]
