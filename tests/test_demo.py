"""The demonstration's own decisions; its steps are tested in their rooms."""

from fibrolens import demo


def test_overwrite_discards_an_earlier_study_but_nothing_else(tmp_path):
    for name, file in (("study", "run.json"), ("cohort", "manifest.json"), ("mine", "thesis.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("{}")
        demo.discard(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_refused_patient_ends_the_demo_with_its_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "_patient", lambda folder: folder)
    monkeypatch.setattr(demo, "stage_batch", lambda *arguments, **options: 3)
    monkeypatch.setattr(demo, "simulated_study", lambda *arguments: (_ for _ in ()).throw(AssertionError))
    assert demo.run_demo(tmp_path, patients=20, seed=0) == 3


def test_an_auc_without_interval_is_told_without_one():
    found = {"positives": 3, "negatives": 9, "auc": {"value": 1.0, "delong": None, "bootstrap": None}}
    assert "1.00 [no interval]  (3 against 9 patients)" in demo._auc_line("F4", found)
    found["auc"] |= {"value": 0.9, "delong": [0.81, 0.95]}
    assert "0.90 [0.81, 0.95]" in demo._auc_line("F4", found)
